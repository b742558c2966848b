// The other way round: one method, a row for each of the features that it was given, in tables of one protocol.
class ByFeatures {
  constructor(section, method) {
    Object.assign(this, { section, method });
    this.groups = grouped(data.tables).filter((tables) => tables.length > 1);
    const labels = [...new Set(this.groups.flatMap((tables) => tables.flatMap((table) => table.rows.map(({ label }) => label))))];
    this.labels = labels.filter((label) => this.groups.some((tables) => tables.filter((table) => rowOf(table, label)).length > 1));
    method.append(...this.labels.map((label) => el('option', {}, label)));
  }

  get shown() { return state.view === 'features' && this.labels.length > 0; }

  get label() { return this.labels.includes(state.method) ? state.method : this.labels[0]; }

  // Groups with the lines that are shown of them: [{ tables, bits, measure, lines: [{ table, row, mean, rank }] }]
  content() {
    return this.groups.map((tables) => {
      const chosen = tables.filter((table) => chosenTable(table) && rowOf(table, this.label));
      if (chosen.length === 0) return null;
      const measure = shownMeasure(chosen[0]);
      const bits = [...new Set(chosen.flatMap((table) => table.bits))].filter(chosenBits).sort((one, other) => one - other);
      return { tables: chosen, measure, bits, lines: ranked(chosen.map((table) => ({ table, row: rowOf(table, this.label) })), bits, measure) };
    }).filter(Boolean);
  }

  update() {
    this.section.hidden = !this.shown;
    this.method.closest('label').hidden = !this.shown;
    document.getElementById('by-name').hidden = this.shown;
    if (!this.shown) return;
    this.method.value = this.label;
    this.section.querySelector('.lead').textContent = `${this.label} on the features of each row. Rows of one table share protocol and metric; they are ranked by their means alone, and their differences are not tested.`;
    this.section.querySelector('.groups').replaceChildren(...this.content().map((group) => this.group(group)));
  }

  group({ tables, measure, bits, lines }) {
    const title = groupTitle(tables[0]);
    const head = el('h3', {}, title);
    if (measure.relevance === 'neighbours') {
      return el('div', {}, head, el('p', { class: 'notice' }, 'Neighbours are those of each row’s own features: such numbers of different features may not be compared. Choose a measure by labels.'));
    }
    return el('div', {}, head, el('div', { class: 'scroll', role: 'region', tabindex: 0, 'aria-label': title }, el('table', { class: 'board' },
      el('caption', {}, el('span', { class: 'what' }, measure.name), ' by code length'),
      el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, el('span', {}, '#')), el('th', { scope: 'col', class: 'left' }, el('span', {}, 'Features')), ...bits.map((value) => el('th', { scope: 'col' }, el('span', {}, `${value} bits`))))),
      el('tbody', {}, ...lines.map((line) => this.line(line, bits, measure, lines))))));
  }

  line({ table, row, rank }, bits, measure, lines) {
    const { weights } = table;
    return el('tr', {}, el('td', { class: 'rank' }, rank ?? '–'),
      el('th', { scope: 'row' }, el('span', { class: 'label' }, table.features + (weights ? `, weights ${weights.slice(0, 8)}` : '') + (table.dtype === 'float32' ? '' : `, ${table.dtype}`))),
      ...bits.map((value) => {
        const cell = cellAt(table, row, value);
        if (cell === null) return el('td', {}, el('span', { class: 'none' }, '–'));
        const best = isBest(lines, value, measure, cell);
        return el('td', { class: best ? 'best' : null }, el('button', { type: 'button', class: 'cell', 'aria-haspopup': 'dialog', onclick: () => openRecord(table, row, cell) }, ...cellParts(cell, measure, { best, like: false })));
      }));
  }
}

// Tables that differ in their features alone, together.
function grouped(tables) {
  const groups = new Map();
  for (const table of tables) {
    const key = JSON.stringify(table.fixed);
    groups.set(key, [...(groups.get(key) ?? []), table]);
  }
  return [...groups.values()];
}

function rowOf(table, label) { return table.rows.find((row) => row.label === label); }

function groupTitle(table) {
  const { protocol, card, limit, supervised, ranking: by, seed } = table.fixed;
  return [protocol, `protocol card ${card}`, limit ? `first ${groups.format(limit)} training items` : '', seed ? `seed ${seed}` : '', supervised ? 'supervised' : '', by ? `${by} ranking` : ''].filter(Boolean).join(', ');
}

function isBest(lines, bits, measure, cell) {
  if (measure.better === 'none' || lines.length < 2 || !whole(cell, measure)) return false;
  const cells = lines.map(({ table, row }) => cellAt(table, row, bits)).filter((other) => whole(other, measure));
  const values = cells.map((other) => other.mean[measure.index]);
  return cell.mean[measure.index] === (measure.better === 'up' ? Math.max(...values) : Math.min(...values));
}

// Complete lines first, best mean first; those that lack cells have no rank, nor has a line than which one of them is better.
function ranked(lines, bits, measure) {
  const sign = measure.better === 'down' ? 1 : -1;
  const over = ({ table, row }, columns) => sign * mean(columns.map((value) => valueAt(table, row, value, measure)));
  const complete = lines.filter(({ table, row }) => bits.length && bits.every((value) => whole(cellAt(table, row, value), measure)));
  const rest = lines.filter((line) => !complete.includes(line));
  const ahead = (line) => rest.some((other) => {
    const common = bits.filter((value) => valueAt(other.table, other.row, value, measure) !== null);
    return common.length > 0 && over(other, common) < over(line, common);
  });
  const sorted = complete.map((line) => ({ ...line, mean: over(line, bits) })).sort((one, other) => one.mean - other.mean);
  return [...sorted.map((line) => ({ ...line, rank: measure.better === 'none' || ahead(line) ? null : 1 + sorted.filter((other) => other.mean < line.mean).length })), ...rest.map((line) => ({ ...line, rank: null }))];
}
