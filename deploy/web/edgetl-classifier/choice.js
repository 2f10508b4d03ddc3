// The rule by which an accelerator is chosen, from what was measured of each.

// `name` is that of the fastest that passed, the first of equal ones, null where none did; `rows` say of each how fast it is, or why not.
export function choose(measured) {
  const fastest = measured.filter(({ passed }) => passed).reduce((best, one) => (best && best.ms <= one.ms ? best : one), null);
  return { name: fastest?.name ?? null, rows: measured.map((one) => `${one.name}: ${verdict(one)}`) };
}

const ROUNDED = 0.01; // steps: golden predictions have six decimals

function verdict({ missing, passed, ms, max_steps, differ, images }) {
  if (missing) return `not available (${missing})`;
  if (!passed) return `refused, ${differ} of ${images} differ`;
  return `${ms.toFixed(1)} ms, ${max_steps < ROUNDED ? "identical" : `within ${Math.ceil(max_steps - ROUNDED)} of 256 steps`}`;
}
