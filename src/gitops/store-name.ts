/**
 * How a store is called where many can read it: by the beginning of its id. Where it is, a host or a path, is for those alone who
 * may use it.
 */
export function storeName(id: string | null): string {
  return id === null ? 'a new store' : `store ${id.slice(0, 8)}`;
}
