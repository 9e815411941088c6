/** A time (milliseconds since 1970) as metav1.MicroTime wants it: `2026-11-24T10:00:00.000000Z`. */
export function microTime(at: number): string {
  return new Date(at).toISOString().replace('Z', '000Z');
}
