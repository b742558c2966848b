// The figures under a table, drawn when they come into view.
const PROMINENT = 8;
const NOTED = 24; // points of a figure that bear their code length

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    entry.target.figures.visible = entry.isIntersecting;
    if (entry.isIntersecting) entry.target.figures.draw();
  }
}, { rootMargin: '300px' });

// The rows that have a colour; the figures show the others in grey.
function prominent(rows) {
  return rows.filter(({ row }) => row.kind !== 'reference').slice(0, PROMINENT).map(({ number }) => number);
}

class Figures {
  constructor(table, host, id) {
    Object.assign(this, { table, host, id, rows: [], visible: false, stale: true, waiting: false, pinned: null, charts: [] });
    host.figures = this;
    this.legend = el('ul', { class: 'legend', 'aria-label': 'Rows in the figures' });
    this.switches = el('div', { class: 'switches' });
    this.grid = el('div', { class: 'grid' });
    host.append(el('div', { class: 'figures-head' }, el('h3', {}, 'Figures'), this.switches, this.legend), this.grid);
    this.nodes = new Map();
    seen.observe(host);
  }

  update(rows) {
    this.rows = rows;
    this.stale = true;
    if (this.visible && !this.waiting) {
      this.waiting = true; // the table answers first
      setTimeout(() => { this.waiting = false; this.draw(); });
    }
  }

  draw() {
    if (!this.stale) return;
    this.stale = false;
    this.bits = figureBits(this.table);
    this.measure = shownMeasure(this.table);
    this.accuracy = this.measure.unit === 'share' && this.measure.relevance ? this.measure : measures.get(this.table.metric);
    const own = prominent(this.rows);
    this.entries = this.rows.map(({ row, number }) => {
      const faint = row.kind !== 'reference' && !own.includes(number);
      return { row, number, faint, look: faint ? { ...look(row, number), colour: 'var(--rule)' } : look(row, number) };
    });
    this.charts = [];
    this.drawLegend();
    this.drawSwitches();
    const bits = this.table.bits.filter(chosenBits);
    this.chart('by-bits', bits.length > 1 ? this.byBits(bits) : null);
    const kinds = this.curveKinds();
    const kind = kinds.includes(state.curve) ? state.curve : kinds[0];
    this.chart('curve', kind === undefined ? null : this.curve(kind), kinds.length > 1 ? this.curveSwitch(kind) : null);
    this.chart('bytes', this.accuracy.relevance === 'neighbours' ? this.byBytes(bits) : null);
    this.chart('encode', this.front(bits, 'cost:encode'));
    this.chart('search', this.front(bits, 'cost:search'));
    this.block('training', this.bits === undefined ? null : this.training());
    this.block('codes', this.bits === undefined ? null : this.codes());
    this.block('queries', this.bits === undefined ? null : this.queries());
  }

  drawLegend() { keepingFocus(this.legend, () => this.fillLegend()); }

  fillLegend() {
    const named = this.entries.filter(({ faint }) => !faint);
    const others = this.entries.length - named.length;
    this.legend.replaceChildren(
      ...named.map((entry) => el('li', {}, el('button', {
        type: 'button', id: `${this.id}-row-${entry.number}`, 'aria-pressed': String(this.pinned === entry.number),
        onclick: () => { this.pinned = this.pinned === entry.number ? null : entry.number; this.drawLegend(); this.emphasise(this.pinned); },
        onpointerenter: () => this.emphasise(entry.number), onpointerleave: () => this.emphasise(this.pinned),
        onfocus: () => this.emphasise(entry.number), onblur: () => this.emphasise(this.pinned),
      }, swatch(entry.look), el('span', {}, clipped(entry.row.label, 44))))),
      ...(others ? [el('li', { class: 'others' }, `and ${others} more in grey; filter by method to see them in colour`)] : []));
  }

  emphasise(number) {
    for (const chart of this.charts) chart.highlight(number);
  }

  drawSwitches() {
    const bits = this.table.bits.filter(chosenBits);
    keepingFocus(this.switches, () => this.switches.replaceChildren(...(bits.length > 1 ? [choice(`${this.id}-at`, 'Figures of one code length show', bits.map((value) => [String(value), `${value} bits`]), String(this.bits), (value) => change({ at: value }))] : [])));
  }

  // The kinds of curves that a method has: by radius none where codes are not ranked by their Hamming distance.
  curveKinds() {
    const methods = this.entries.filter(({ row }) => row.kind !== 'reference');
    return ['radius', 'rank'].filter((kind) => methods.some(({ row }) => cellAt(this.table, row, this.bits)?.[kind]));
  }

  curveSwitch(kind) {
    return choice(`${this.id}-curve`, 'Curve', [['radius', 'by radius'], ['rank', 'by rank']], kind, (value) => change({ curve: value }));
  }

  node(name, wide) {
    if (!this.nodes.has(name)) {
      const node = el('figure', { class: wide ? 'wide' : null });
      this.nodes.set(name, node);
      this.grid.append(node);
    }
    return this.nodes.get(name);
  }

  chart(name, spec, extra = null) {
    const node = this.node(name, false);
    node.hidden = spec === null || spec.series.length === 0;
    if (node.hidden) return;
    const host = el('div', { class: 'host' });
    const table = el('details', { class: 'numbers' }, el('summary', {}, 'Numbers'));
    table.addEventListener('toggle', () => { if (table.open && table.children.length === 1) table.append(numbersTable(chart.rows(), spec.title)); });
    keepingFocus(node, () => node.replaceChildren(el('figcaption', {}, el('h4', {}, spec.title), el('p', {}, spec.about), extra), host, table));
    const chart = new Chart(host, spec);
    this.charts.push(chart);
  }

  block(name, content) {
    const node = this.node(name, true);
    node.hidden = content === null;
    if (content !== null) node.replaceChildren(el('figcaption', {}, el('h4', {}, content.title), el('p', {}, content.about)), content.node);
  }

  value(entry, bits, measure) {
    const cell = cellAt(this.table, entry.row, bits);
    return cell === null ? null : cell.mean[measure.index];
  }

  byBits(bits) {
    const measure = this.measure;
    const series = this.entries.map((entry) => ({
      ...entry, line: true,
      points: bits.map((value) => [value, cellAt(this.table, entry.row, value)]).filter(([, cell]) => cell !== null && cell.mean[measure.index] !== null).map(([value, cell]) => {
        const [mean, sd] = [cell.mean[measure.index], cell.sd[measure.index]];
        const text = () => {
          const { mean: of, sd: spread } = cellText(cell, measure);
          return `${value} bits: ${of}${spread ? ` ± ${spread}` : ''}`;
        };
        return { x: value, y: mean, ...(sd === null ? {} : { low: mean - sd, high: mean + sd }), text };
      }),
    })).filter(({ points }) => points.length);
    const log = measure.unit === 'seconds' || measure.unit === 'rate';
    return { title: `${capital(measure.name)} by code length`, about: 'Bands: standard deviation over repetitions.', x: { label: 'bits', values: bits }, y: yAxis(series, axisName(measure), log), series, ends: true };
  }

  curve(kind) {
    const series = this.entries.map((entry) => {
      const curve = cellAt(this.table, entry.row, this.bits)?.[kind];
      const points = (curve?.at ?? []).map((at, index) => {
        const [y, sd] = [curve.precision[index], curve.sd?.[index] ?? null];
        return { x: curve.recall[index], y, ...(sd === null ? {} : { low: Math.max(0, y - sd), high: Math.min(1, y + sd) }), text: () => `${kind === 'radius' ? 'radius' : 'first'} ${groups.format(at)}: precision ${written(y, 'share')}, recall ${written(curve.recall[index], 'share')}` };
      });
      return { ...entry, line: true, points };
    }).filter(({ points }) => points.length);
    const over = kind === 'radius' ? 'Within each Hamming radius; an empty ball counts as precision\u00a00.' : 'After the first k items; float features included.';
    const about = this.table.headline === data.headlines.neighbours ? `${over} Relevant are ${RELEVANT.labels}.` : over;
    return { title: `Precision and recall at ${this.bits} bits`, about, x: { label: 'recall', low: 0, high: 1 }, y: yAxis(series, 'precision'), series };
  }

  front(bits, id) {
    const [cost, accuracy] = [measures.get(id), this.accuracy];
    const encoding = id === 'cost:encode';
    const unit = encoding ? (this.table.vectors ? 'vectors/s' : 'images/s') : 'queries/s';
    const series = this.entries.filter(({ row }) => row.kind !== 'reference').map((entry) => ({
      ...entry, line: false,
      points: bits.map((value) => ({ bits: value, x: this.value(entry, value, cost), y: this.value(entry, value, accuracy) })).filter(({ x, y }) => x !== null && y !== null)
        .map((point) => ({ ...point, text: () => `${point.bits} bits: ${accuracy.name} ${written(point.y, accuracy.unit)} at ${written(point.x, 'rate')} ${unit}` })),
    })).filter(({ points }) => points.length);
    if (series.length === 0) return null;
    const all = series.flatMap(({ points }) => points);
    const best = all.filter((one) => !all.some((other) => other.x >= one.x && other.y >= one.y && (other.x > one.x || other.y > one.y))).sort((one, other) => one.x - other.x);
    if (all.length <= NOTED) for (const point of all) point.note = point.bits;
    const rates = all.map(({ x }) => x);
    return {
      title: `${capital(accuracy.name)} against ${encoding ? 'encoding' : 'searching'} speed`,
      about: `${all.length <= NOTED ? 'Numbers: bits; dotted' : 'Dotted'} line: Pareto front over code lengths. Measured on ${this.table.hardware}${this.table.otherHardware ? '; cells measured elsewhere are left out' : ''}.`,
      x: { label: `${unit}${encoding ? `${this.table.vectors ? '' : ', decoded images'}, best batch` : ', top 100'}`, low: Math.min(...rates), high: Math.max(...rates), log: true },
      y: yAxis(series, axisName(accuracy)), series, front: best,
    };
  }

  // What the database keeps of an item, and how many neighbours that finds; a float index is one point.
  byBytes(bits) {
    const [size, accuracy] = [measures.get('cost:bytes'), this.accuracy];
    const series = this.entries.map((entry) => {
      const cells = [...new Set(bits.map((value) => cellAt(this.table, entry.row, value)))].filter((cell) => cell !== null && cell.mean[size.index] !== null && cell.mean[accuracy.index] !== null);
      const points = cells.map((cell) => ({
        x: cell.mean[size.index], y: cell.mean[accuracy.index],
        text: () => `${written(cell.mean[size.index], 'count')} bytes${cell.bits === null ? '' : ` (${cell.bits} bits)`}: ${accuracy.name} ${written(cell.mean[accuracy.index], accuracy.unit)}`,
      })).sort((one, other) => one.x - other.x);
      return { ...entry, line: points.length > 1, points };
    }).filter(({ points }) => points.length);
    if (series.length === 0) return null;
    const all = series.flatMap(({ points }) => points);
    const best = all.filter((one) => !all.some((other) => other.x <= one.x && other.y >= one.y && (other.x < one.x || other.y > one.y))).sort((one, other) => one.x - other.x);
    const sizes = all.map(({ x }) => x);
    return {
      title: `${capital(accuracy.name)} against bytes per item`, about: 'Bytes that the database keeps of an item, factors beside the code counted; references are what a float index keeps. Dotted line: Pareto front.',
      x: { label: 'bytes per item', low: Math.min(...sizes), high: Math.max(...sizes), log: true }, y: yAxis(series, axisName(accuracy)), series, front: best,
    };
  }

  shownEntries() {
    return this.entries.filter(({ row }) => cellAt(this.table, row, this.bits)?.runs.length);
  }

  training() {
    const [fit, epochs] = [measures.get('cost:fit'), measures.get('cost:epochs')];
    const trained = this.shownEntries().filter(({ row }) => row.kind !== 'reference').map((entry) => ({ entry, cell: cellAt(this.table, entry.row, this.bits) })).filter(({ cell }) => cell.mean[fit.index] !== null);
    if (trained.length === 0) return null;
    const logs = trained.map(({ cell }) => Math.log10(Math.max(0.01, cell.mean[fit.index])));
    const [low, high] = [Math.floor(Math.min(...logs)), Math.ceil(Math.max(...logs) + 1e-9)];
    const share = (value) => `${(100 * (Math.log10(Math.max(0.01, value)) - low) / (high - low || 1)).toFixed(1)}%`;
    const strip = (cell, style) => svg('svg', { class: 'strip', 'aria-hidden': 'true', focusable: 'false' },
      ...Array.from({ length: high - low + 1 }, (_, index) => svg('line', { class: 'grid', x1: `${(100 * index) / (high - low || 1)}%`, x2: `${(100 * index) / (high - low || 1)}%`, y1: 0, y2: '100%' })),
      svg('line', { x1: 0, x2: share(cell.mean[fit.index]), y1: '50%', y2: '50%', stroke: style.colour, 'stroke-width': 1.5 }),
      svg('circle', { cx: share(cell.mean[fit.index]), cy: '50%', r: 4, fill: style.colour }));
    return {
      title: `Training cost at ${this.bits} bits`, about: `Seconds of fit on a logarithmic scale from ${written(10 ** low, 'seconds')} to ${written(10 ** high, 'seconds')}; epochs or iterations as the method reports them.`,
      node: plainTable(`Training cost at ${this.bits} bits`, ['Method', 'Seconds', 'Epochs', { text: 'Scale', class: 'strip-cell' }], trained.map(({ entry, cell }) => [
        named(entry), written(cell.mean[fit.index], 'seconds'), written(cell.mean[epochs.index], 'count'), { node: strip(cell, entry.look), class: 'strip-cell' }])),
    };
  }

  codes() {
    const shown = data.measures.filter(({ group }) => group === 'Codes').map(({ id }) => measures.get(id));
    const entries = this.shownEntries().filter(({ row }) => shown.some((measure) => cellAt(this.table, row, this.bits).mean[measure.index] !== null));
    if (entries.length === 0) return null;
    const meter = (value, most) => svg('svg', { class: 'meter', 'aria-hidden': 'true', focusable: 'false' }, svg('rect', { class: 'ground', width: '100%', height: '100%' }), svg('rect', { width: `${Math.min(100, (100 * value) / most).toFixed(1)}%`, height: '100%' }));
    const most = (measure) => (measure.id === 'codes:imbalance' ? 0.5 : 1);
    return {
      title: `The codes at ${this.bits} bits`, about: 'Of the database. Bit imbalance is between 0 (balanced) and .5, correlation between 0 and 1; tied: share of the top 1,000 that ties; empty: queries with nothing within radius 2.',
      node: plainTable(`Code diagnostics at ${this.bits} bits`, ['Method', ...shown.map(({ name }) => capital(name))], entries.map((entry) => [
        named(entry), ...shown.map((measure) => {
          const value = this.value(entry, this.bits, measure);
          return value === null ? '–' : { node: el('span', { class: 'metered' }, written(value, measure.unit), meter(value, most(measure))) };
        })])),
    };
  }

  queries() {
    const scored = this.shownEntries().map((entry) => ({ entry, of: cellAt(this.table, entry.row, this.bits).queries })).filter(({ of }) => of !== null);
    if (scored.length === 0) return null;
    const times = new Map();
    for (const { entry, of } of scored) if (entry.row.kind !== 'reference') for (const [item] of of.worst) times.set(item, (times.get(item) ?? 0) + 1);
    const spread = ([least, low, middle, high, most]) => svg('svg', { class: 'strip', role: 'img', 'aria-label': `median ${written(middle, 'share')}, middle half ${written(low, 'share')} to ${written(high, 'share')}` },
      svg('line', { x1: `${100 * least}%`, x2: `${100 * most}%`, y1: '50%', y2: '50%', class: 'whisker' }),
      svg('rect', { x: `${100 * low}%`, width: `${Math.max(0.5, 100 * (high - low))}%`, y: '25%', height: '50%', class: 'box' }),
      svg('line', { x1: `${100 * middle}%`, x2: `${100 * middle}%`, y1: '15%', y2: '85%', class: 'median' }));
    const [figure, brief] = this.table.headline === data.headlines.neighbours ? [measures.get(this.table.headline).name, 'recall'] : ['average precision', 'AP'];
    return {
      title: `Worst queries at ${this.bits} bits`, about: `${capital(figure)} of each query, averaged over repetitions: 10 % to 90 % of the queries, the middle half and the median on a scale from 0 to 1; then the ten queries with the lowest, by item number. Underlined: among the worst of several methods.`,
      node: plainTable(`Worst queries at ${this.bits} bits`, ['Method', { text: `Spread of ${brief}`, class: 'strip-cell' }, { text: `Lowest ${brief}`, class: 'left' }], scored.map(({ entry, of }) => [
        named(entry), { node: spread(of.quantiles), class: 'strip-cell' },
        { class: 'left wide-cell', node: el('ul', { class: 'worst' }, ...of.worst.map(([item, value]) => el('li', { class: entry.row.kind !== 'reference' && times.get(item) > 1 ? 'shared' : null }, el('b', {}, `#${item}`), ` ${written(value, 'share')}`))) }])),
    };
  }
}

// What is drawn anew keeps the focus on the control of the same name.
function keepingFocus(node, draw) {
  const focused = node.contains(document.activeElement) ? document.activeElement.id : '';
  draw();
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function capital(text) { return text.startsWith('mAP') ? text : text.charAt(0).toUpperCase() + text.slice(1); }

function axisName(measure) { return measure.better === 'down' ? `${measure.name} (lower is better)` : measure.name; }

function yAxis(series, label, log = false) {
  const values = series.flatMap(({ points }) => points.flatMap((point) => [point.y, point.high ?? point.y, point.low ?? point.y]));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return log && low > 0 ? { label, low, high, log } : { label, low: Math.min(0, low), high };
}

function named(entry) {
  return { head: true, node: el('span', { class: 'named' }, swatch(entry.look), el('span', { class: 'label' }, entry.row.label)) };
}

// cells: text, or { node | text, class, head }
function plainTable(name, heads, rows, label = name) {
  const cell = (content, kind, attributes) => el(kind, { class: content.class, ...attributes }, content.node ?? content.text ?? content);
  return el('div', { class: 'scroll inner', role: 'region', tabindex: 0, 'aria-label': label }, el('table', { class: 'plain' }, el('caption', { class: 'hidden' }, name),
    el('thead', {}, el('tr', {}, ...heads.map((head) => cell(head, 'th', { scope: 'col' })))),
    el('tbody', {}, ...rows.map((row) => el('tr', {}, ...row.map((content) => (content.head ? cell(content, 'th', { scope: 'row' }) : cell(content, 'td', {}))))))));
}

function numbersTable(rows, name) {
  return plainTable(name, ['Method', { text: 'Value', class: 'left' }], rows.map(([label, text]) => [{ head: true, text: label }, { text, class: 'left' }]), `${name}: numbers`);
}

function choice(name, legend, options, chosen, use) {
  return el('fieldset', { class: 'choice' }, el('legend', {}, legend), el('div', { class: 'choices' }, ...options.map(([value, text]) => el('label', {},
    el('input', { type: 'radio', id: `${name}-${value}`, name, value, checked: value === chosen, onchange: () => use(value) }), el('span', {}, text)))));
}
