// The page's elements, found and made.

export const at = (id) => document.getElementById(id);
export const percent = (share) => `${(100 * share).toFixed(1)}\u00a0%`;

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}
