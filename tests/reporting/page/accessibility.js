// What a page says about itself to those who do not see it, or see it badly; for the browser tests.
({
  // Visible texts whose contrast with what lies behind them is below 4.5, as WCAG 2.2 counts it.
  poorContrast() {
    const parse = (text) => {
      const numbers = text.match(/[\d.]+/g).map(Number);
      return numbers.length < 4 ? [...numbers, 1] : numbers;
    };
    const over = (top, under) => [0, 1, 2].map((place) => top[place] * top[3] + under[place] * (1 - top[3])).concat(1);
    const behind = (node) => {
      if (node === null) return [255, 255, 255, 1];
      const own = parse(getComputedStyle(node).backgroundColor);
      return own[3] === 1 ? own : over(own, behind(node.parentElement));
    };
    const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    const light = ([red, green, blue]) => 0.2126 * linear(red / 255) + 0.7152 * linear(green / 255) + 0.0722 * linear(blue / 255);
    const poor = [];
    let looked = 0;
    for (const node of document.querySelectorAll('body *')) {
      const text = [...node.childNodes].filter((child) => child.nodeType === Node.TEXT_NODE).map((child) => child.data).join('').trim();
      if (text === '' || node.matches('.hidden, script, style, :disabled, option, optgroup')) continue;
      if (!node.checkVisibility({ visibilityProperty: true })) continue;
      looked += 1;
      const style = getComputedStyle(node);
      const ground = behind(node);
      const ink = over(parse(node instanceof SVGElement ? style.fill : style.color), ground);
      const [high, low] = [light(ink), light(ground)].sort((one, other) => other - one);
      const ratio = (high + 0.05) / (low + 0.05);
      if (ratio < 4.5) poor.push(`${node.tagName} ${text.slice(0, 30)}: ${ratio.toFixed(2)}`);
    }
    return { looked, poor };
  },

  // Controls, regions and dialogs without a name.
  nameless() {
    const named = (node) => (node.getAttribute('aria-labelledby') ?? '').split(' ').filter(Boolean)
      .map((id) => document.getElementById(id)?.textContent ?? '').join('');
    const label = (node) => [...(node.labels ?? [])].map((one) => one.textContent).join('');
    const content = (node) => (node.matches('button, a, summary') ? node.textContent : '');
    return [...document.querySelectorAll('input, select, button, a, summary, dialog, [role=region], [tabindex="0"]')]
      .filter((node) => !((node.getAttribute('aria-label') ?? '') + named(node) + label(node) + content(node)).trim())
      .map((node) => node.outerHTML.slice(0, 120));
  },

  headingLevels: () => [...document.querySelectorAll('main h1, main h2, main h3, main h4')].map((node) => Number(node.tagName[1])),
  headsWithoutScope: () => [...document.querySelectorAll('th')].filter((node) => !node.scope).length,
  tablesWithoutCaption: () => [...document.querySelectorAll('table')].filter((node) => !node.caption).length,
  ids: () => [...document.querySelectorAll('[id]')].map((node) => node.id),
})
