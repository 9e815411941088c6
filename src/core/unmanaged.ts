import { kindOf, type Resource } from '../kinds/index.ts';

/** A declared resource with what its manifest leaves to others: as `actual` has it, at first the default. */
export function completed(resource: Resource, actual?: { readonly resource: Resource }): Resource {
  const { unmanaged } = kindOf(resource.kind);
  let spec: Record<string, unknown> | undefined;
  for (const field of Object.keys(unmanaged)) {
    if ((resource.spec as unknown as Record<string, unknown>)[field] !== undefined) continue;
    spec ??= { ...(resource.spec as object) };
    spec[field] = (actual?.resource.spec as Record<string, unknown> | undefined)?.[field] ?? unmanaged[field];
  }
  return spec ? ({ ...resource, spec } as unknown as Resource) : resource;
}
