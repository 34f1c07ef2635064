/** Makes an element: `el('p.note', { title: 'x' }, 'text', child)`. Attributes that are functions are listeners. */
export function el<K extends keyof HTMLElementTagNameMap>(
  what: K | `${K}.${string}`,
  attributes: Record<string, string | boolean | ((event: Event) => void)> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const [tag, ...classes] = what.split('.') as [K, ...string[]];
  const element = document.createElement(tag);
  element.classList.add(...classes);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Sets a text only where it changes, so that nothing is laid out anew for nothing. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
