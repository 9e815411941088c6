import { kindOf, type Resource } from '../kinds/index.ts';

/** A declared resource with what its manifest leaves to others: as it is in the store, at first the default. */
export function completed(resource: Resource, actual: Resource | undefined): Resource {
  const { unmanaged } = kindOf(resource.kind);
  const spec: Record<string, unknown> = { ...(resource.spec as object) };
  let filled = false;
  for (const field of Object.keys(unmanaged)) {
    if (spec[field] !== undefined) continue;
    spec[field] = (actual?.spec as Record<string, unknown> | undefined)?.[field] ?? unmanaged[field];
    filled = true;
  }
  return filled ? ({ ...resource, spec } as unknown as Resource) : resource;
}
