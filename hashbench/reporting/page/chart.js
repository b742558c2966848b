// One chart for all figures: axes, lines with bands, points, a front; read by pointer, keyboard and as a table.
const REACH = 28; // pixels within which the pointer finds a point

function niceStep(span, count) {
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * 0.999);
}

function linearScale(low, high, from, to, count) {
  if (high <= low) [low, high] = [low - Math.abs(low || 1) / 2, high + Math.abs(high || 1) / 2];
  const step = niceStep(high - low, count);
  const start = Math.floor(low / step + 1e-9) * step;
  const end = Math.ceil(high / step - 1e-9) * step;
  const ticks = [];
  for (let index = 0; index <= Math.round((end - start) / step); index += 1) ticks.push(Number((start + index * step).toPrecision(12)));
  return { at: (value) => from + ((value - start) / (end - start)) * (to - from), ticks };
}

function logScale(low, high, from, to) {
  const [start, end] = [Math.log10(low) - 0.06, Math.log10(high) + 0.06];
  const factors = end - start > 4 ? [1] : end - start > 1.2 ? [1, 3] : [1, 2, 5];
  const ticks = [];
  for (let power = Math.floor(start); power <= end; power += 1) {
    for (const factor of factors) {
      const value = factor * 10 ** power;
      if (Math.log10(value) >= start && Math.log10(value) <= end) ticks.push(value);
    }
  }
  return { at: (value) => from + ((Math.log10(value) - start) / (end - start)) * (to - from), ticks };
}

function placedScale(values, from, to) {
  const room = (to - from) / values.length;
  return { at: (value) => from + room * (values.indexOf(value) + 0.5), ticks: values };
}

function scaleOf(axis, from, to, count) {
  if (axis.values) return placedScale(axis.values, from, to);
  const { low, high } = axis;
  if (axis.log && high / low > 4) return logScale(low, high, from, to);
  return linearScale(low, high, from, to, count);
}

/* spec: { title, x: {label, low, high | values, log, unit}, y: like x, series: [{number, row, look, faint, points: [{x, y, low, high, text()}], line}], front } */
class Chart {
  constructor(host, spec) {
    Object.assign(this, { host, spec, series: 0, point: -1 });
    this.tip = el('div', { class: 'tip', hidden: true, 'aria-hidden': 'true' });
    this.draw();
  }

  draw() {
    const { spec } = this;
    const width = Math.max(260, Math.floor(this.host.clientWidth));
    const height = Math.round(Math.min(340, Math.max(240, width * 0.62)));
    const box = { left: 46, right: width - (spec.ends ? 112 : 16), top: 26, bottom: height - 42 };
    const x = scaleOf(spec.x, box.left, box.right, width < 420 ? 4 : 5);
    const y = scaleOf(spec.y, box.bottom, box.top, 5);
    Object.assign(this, { x, y, width, notes: [] });
    const parts = [...this.axes(box, x, y), ...this.front(), ...this.bands(), ...this.lines(), ...this.points(), ...(spec.ends ? this.ends(box) : [])];
    this.pointer = svg('circle', { r: 7, class: 'pointer', visibility: 'hidden' });
    this.node = svg('svg', {
      class: 'chart', width, height, viewBox: `0 0 ${width} ${height}`, tabindex: 0, role: 'group', 'aria-roledescription': 'chart',
      'aria-label': `${spec.title}. ${spec.series.length} series. Arrow keys read the points.`,
      onkeydown: (event) => this.key(event), onpointermove: (event) => this.move(event), onpointerleave: () => this.hide(), onblur: () => this.hide(),
    }, ...parts, this.pointer);
    this.host.replaceChildren(this.node, this.tip);
  }

  axes(box, x, y) {
    const { spec } = this;
    const text = (attributes, content) => svg('text', { class: 'tick', ...attributes }, content);
    return [
      ...y.ticks.map((value) => svg('line', { class: 'grid', x1: box.left, x2: box.right, y1: y.at(value), y2: y.at(value) })),
      ...y.ticks.map((value) => text({ x: box.left - 8, y: y.at(value) + 4, 'text-anchor': 'end' }, short(value))),
      svg('line', { class: 'axis', x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }),
      ...x.ticks.map((value) => svg('line', { class: 'axis', x1: x.at(value), x2: x.at(value), y1: box.bottom, y2: box.bottom + 4 })),
      ...x.ticks.map((value) => text({ x: x.at(value), y: box.bottom + 18, 'text-anchor': 'middle' }, short(value))),
      text({ class: 'axis-name', x: 0, y: 12 }, spec.y.label),
      text({ class: 'axis-name', x: (box.left + box.right) / 2, y: box.bottom + 36, 'text-anchor': 'middle' }, spec.x.label),
    ];
  }

  group(series, name, ...children) {
    return svg('g', { class: `${name}${series.faint ? ' faint' : ''}`, 'data-row': series.number }, ...children);
  }

  bands() {
    return this.spec.series.filter((series) => series.line && !series.faint).map((series) => {
      const points = series.points.filter((point) => point.low !== undefined);
      const edge = (name) => points.map((point) => `${this.x.at(point.x).toFixed(1)},${this.y.at(point[name]).toFixed(1)}`);
      return points.length < 2 ? null : this.group(series, 'band', svg('polygon', { points: [...edge('low'), ...edge('high').reverse()].join(' '), fill: series.look.colour }));
    }).filter(Boolean);
  }

  lines() {
    return this.ordered().filter((series) => series.line).map((series) => this.group(series, 'line', svg('polyline', {
      points: series.points.map((point) => `${this.x.at(point.x).toFixed(1)},${this.y.at(point.y).toFixed(1)}`).join(' '),
      stroke: series.faint ? 'var(--faint)' : series.look.colour, 'stroke-dasharray': series.faint ? null : series.look.dash,
    })));
  }

  points() {
    return this.ordered().filter((series) => !series.faint || !series.line).map((series) => {
      const every = series.line ? Math.max(1, Math.ceil(series.points.length / 9)) : 1;
      return this.group(series, 'points', ...series.points.filter((_, index) => index % every === 0).map((point) =>
        marker(series.look.marker, this.x.at(point.x), this.y.at(point.y), series.faint ? 2.4 : 3.6, { fill: series.faint ? 'var(--faint)' : series.look.colour })),
      ...series.points.filter((point) => point.note && !series.faint).map((point) => this.note(point)));
    });
  }

  // A small text beside a point, where no other stands already.
  note(point) {
    const [x, y] = [this.x.at(point.x) + 7, this.y.at(point.y) - 5];
    if (this.notes.some(([left, base]) => Math.abs(left - x) < 16 && Math.abs(base - y) < 10)) return null;
    this.notes.push([x, y]);
    return svg('text', { class: 'note', x, y }, point.note);
  }

  front() {
    const points = this.spec.front ?? [];
    if (points.length === 0) return [];
    return [svg('polyline', { class: 'front', points: points.map((point) => `${this.x.at(point.x).toFixed(1)},${this.y.at(point.y).toFixed(1)}`).join(' ') })];
  }

  // Names beside the last points, moved apart so that none covers another.
  ends(box) {
    const lastX = Math.max(...this.spec.series.flatMap(({ points }) => points.map(({ x }) => this.x.at(x))));
    const named = this.spec.series.filter(({ faint, points }) => !faint && points.length && this.x.at(points[points.length - 1].x) === lastX);
    const labels = named.map((series) => ({ series, y: this.y.at(series.points[series.points.length - 1].y) })).sort((one, other) => one.y - other.y);
    for (let index = 1; index < labels.length; index += 1) labels[index].y = Math.max(labels[index].y, labels[index - 1].y + 14);
    for (let index = labels.length - 1, limit = box.bottom; index >= 0; index -= 1, limit -= 14) labels[index].y = Math.min(labels[index].y, limit);
    return labels.map(({ series, y }) => this.group(series, 'end', svg('text', { x: box.right + 8, y: y + 4, fill: series.look.reference ? 'var(--quiet)' : 'var(--ink)' }, clipped(series.row.label, 16))));
  }

  ordered() { return [...this.spec.series].sort((one, other) => (other.faint ? 1 : 0) - (one.faint ? 1 : 0)); }

  key(event) {
    const { series } = this.spec;
    const steps = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
    if (event.key === 'Escape') { this.hide(); return; }
    if (!(event.key in steps) || series.length === 0) return;
    event.preventDefault();
    const [down, right] = steps[event.key];
    this.series = (this.series + down + series.length) % series.length;
    const last = series[this.series].points.length - 1;
    this.point = Math.min(last, Math.max(0, this.point + right));
    this.show(series[this.series], series[this.series].points[this.point]);
    document.getElementById('live').textContent = this.tip.textContent;
  }

  move(event) {
    const bounds = this.node.getBoundingClientRect();
    const [px, py] = [event.clientX - bounds.left, event.clientY - bounds.top];
    let nearest = null;
    for (const series of this.spec.series) {
      for (const point of series.points) {
        const distance = Math.hypot(this.x.at(point.x) - px, this.y.at(point.y) - py) + (series.faint ? 8 : 0);
        if (distance < REACH && (nearest === null || distance < nearest.distance)) nearest = { series, point, distance };
      }
    }
    if (nearest) this.show(nearest.series, nearest.point);
    else this.hide();
  }

  show(series, point) {
    const [px, py] = [this.x.at(point.x), this.y.at(point.y)];
    this.tip.replaceChildren(el('strong', {}, series.row.label), el('span', {}, point.text()));
    this.tip.hidden = false;
    this.tip.style.left = `${Math.min(Math.max(0, px - this.tip.offsetWidth / 2), this.width - this.tip.offsetWidth)}px`;
    this.tip.style.top = `${py - this.tip.offsetHeight - 12 < 0 ? py + 14 : py - this.tip.offsetHeight - 12}px`;
    for (const [name, value] of [['cx', px], ['cy', py], ['visibility', 'visible'], ['stroke', series.faint ? 'var(--quiet)' : series.look.colour]]) this.pointer.setAttribute(name, value);
    this.highlight(series.number);
  }

  hide() {
    this.tip.hidden = true;
    this.pointer.setAttribute('visibility', 'hidden');
    this.highlight(null);
  }

  highlight(number) {
    this.node.classList.toggle('singled', number !== null);
    for (const group of this.node.querySelectorAll('g[data-row]')) group.classList.toggle('single', Number(group.dataset.row) === number);
  }

  rows() {
    return this.spec.series.flatMap((series) => series.points.map((point) => [series.row.label, point.text()]));
  }
}

function clipped(text, longest) {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}
