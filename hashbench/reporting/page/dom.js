// Elements, numbers and colours. Text from records only ever becomes text nodes and attribute values.
const SVG = 'http://www.w3.org/2000/svg';
const data = JSON.parse(document.getElementById('data').textContent);
const measures = new Map(data.measures.map((measure, index) => [measure.id, { ...measure, index }]));

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

const formats = [0, 1, 2, 3, 4, 5, 6].map((digits) => new Intl.NumberFormat('en', { maximumFractionDigits: digits }));
const [groups] = formats;

function significant(value, figures = 3) {
  const digits = value === 0 ? 0 : Math.max(0, figures - 1 - Math.floor(Math.log10(Math.abs(value))));
  return formats[Math.min(digits, 6)].format(Number(value.toPrecision(figures)));
}

// A number at an axis, where there is little room: 1,280, 20k, 5M.
function short(value) {
  const [factor, sign] = [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']].find(([from]) => Math.abs(value) >= Math.max(from, 1e4)) ?? [1, ''];
  return significant(value / factor) + sign;
}

const WRITTEN = {
  share: (value) => (Object.is(value, -0) || Math.abs(value) < 0.0005 ? 0 : value).toFixed(3),
  percent: (value) => `${(100 * value).toFixed(1)} %`,
  seconds: (value) => `${significant(value)} s`,
  rate: (value) => significant(value),
  count: (value) => (Number.isInteger(value) ? groups.format(value) : significant(value)),
};

function written(value, unit) {
  return value === null || value === undefined ? '–' : WRITTEN[unit](value);
}

function cellText(cell, measure) {
  const mean = cell.mean[measure.index];
  const sd = cell.sd[measure.index];
  return { mean: written(mean, measure.unit), sd: mean === null || sd === null ? '' : written(sd, measure.unit) };
}

const MARKERS = ['circle', 'square', 'triangle', 'diamond', 'down', 'cross', 'plus'];
const DASHES = [null, '6 3', '2 2', '8 3 2 3', '4 2 1 2 1 2'];
const REFERENCE_MARKERS = ['square', 'diamond', 'triangle', 'circle'];
const REFERENCE_DASHES = ['7 4', '2 3', '9 3 2 3', '4 2 1 2 1 2'];
const COLOURS = 8;

// A row keeps its colour, marker and dashes whatever is filtered.
function look(row, number) {
  if (row.kind === 'reference') return { colour: 'var(--quiet)', marker: REFERENCE_MARKERS[number % 4], dash: REFERENCE_DASHES[number % 4], reference: true };
  const turn = Math.floor(number / COLOURS);
  return { colour: `var(--series-${number % COLOURS})`, marker: MARKERS[number % MARKERS.length], dash: DASHES[(number + turn) % DASHES.length] };
}

function marker(kind, x, y, size, attributes) {
  const s = size;
  const paths = {
    square: `M${-s},${-s}h${2 * s}v${2 * s}h${-2 * s}z`,
    triangle: `M0,${-1.2 * s}L${1.2 * s},${s}H${-1.2 * s}z`,
    diamond: `M0,${-1.3 * s}L${1.3 * s},0L0,${1.3 * s}L${-1.3 * s},0z`,
    down: `M0,${1.2 * s}L${1.2 * s},${-s}H${-1.2 * s}z`,
    cross: `M${-s},${-s}L${s},${s}M${-s},${s}L${s},${-s}`,
    plus: `M0,${-1.2 * s}V${1.2 * s}M${-1.2 * s},0H${1.2 * s}`,
  };
  if (kind === 'circle') return svg('circle', { cx: x, cy: y, r: s, ...attributes });
  const open = kind === 'cross' || kind === 'plus';
  return svg('path', { d: paths[kind], transform: `translate(${x},${y})`, ...attributes, ...(open ? { fill: 'none', 'stroke-width': 2, stroke: attributes.fill } : {}) });
}

function swatch(style) {
  return svg('svg', { width: 26, height: 12, viewBox: '0 0 26 12', 'aria-hidden': 'true', focusable: 'false' },
    svg('line', { x1: 1, x2: 25, y1: 6, y2: 6, stroke: style.colour, 'stroke-width': 1.75, 'stroke-dasharray': style.dash }),
    marker(style.marker, 13, 6, 3.2, { fill: style.colour }));
}
