const RELEVANT = { labels: 'items of the same class or with a shared label', neighbours: 'the nearest float vectors' };
const bothKinds = Object.keys(RELEVANT).every((kind) => data.measures.some(({ relevance }) => relevance === kind));

// What a cell shows: its mark, the mean or why there is none, the spread, and the m beside the recall of neighbours.
function cellParts(cell, measure, { best, like }) {
  const { mean, sd } = cellText(cell, measure);
  const missing = mean === '–';
  const beside = missing || measure.id !== data.headlines.neighbours ? '' : cell.multiple;
  return [
    el('span', { class: 'mark', 'aria-hidden': 'true' }, best ? '★' : like ? '≈' : ''),
    el('span', { class: 'number' }, missing && cell.runs.length === 0 && cell.troubles.length ? cell.troubles[0].status : mean + (cell.stale && !missing ? '†' : '')), ' ',
    sd === '' ? '' : el('span', { class: 'spread' }, `±\u00a0${sd}`), ' ',
    beside === '' ? '' : el('span', { class: 'multiple' }, beside),
    el('span', { class: 'hidden' }, best ? ', best' : like ? ', not told apart from the best' : ''),
  ];
}

// The tables: another measure, another order, fewer rows and columns, in place.
class Board {
  constructor(section) {
    this.section = section;
    this.table = data.tables[Number(section.dataset.table)];
    this.bodies = [...section.querySelectorAll('table.board > tbody')];
    this.rows = [...section.querySelectorAll('tr[data-row]')].map((node) => ({
      node, row: this.table.rows[Number(node.dataset.row)], number: Number(node.dataset.row), cells: [...node.querySelectorAll('td[data-bits]')],
    }));
    for (const { node, row, number } of this.rows) node.querySelector('.swatch').append(swatch(look(row, number)));
    this.heads = [...section.querySelectorAll('th[data-sort]')];
    for (const head of this.heads) this.makeSortable(head);
    this.figures = new Figures(this.table, section.querySelector('.figures'), section.id);
  }

  makeSortable(head) {
    const words = head.textContent;
    const name = { '#': 'rank' }[words];
    head.replaceChildren(el('button', { type: 'button', class: 'sort', 'aria-label': name, onclick: () => this.sortBy(head.dataset.sort) },
      words, el('span', { class: 'arrow', 'aria-hidden': 'true' })));
  }

  sortBy(column) {
    const measure = shownMeasure(this.table);
    const natural = column === 'rank' || column === 'method' || measure.better === 'down' ? column : `-${column}`;
    const other = natural.startsWith('-') ? column : `-${column}`;
    change({ sort: state.sort === natural ? other : natural });
    const [key, down] = [state.sort.replace('-', ''), state.sort.startsWith('-')];
    document.getElementById('live').textContent = `Sorted by ${key === 'rank' || key === 'method' ? key : `${key} bits`}, ${down ? 'descending' : 'ascending'}`;
  }

  get shown() { return chosenTable(this.table) && !byFeatures.shown; }

  shownRows() { return this.rows.filter(({ row }) => this.shows(row)); }

  // A row of other code lengths alone is left out.
  shows(row) { return chosenRow(row) && this.table.bits.some((bits) => chosenBits(bits) && cellAt(this.table, row, bits) !== null); }

  get measure() { return shownMeasure(this.table); }

  update(changed) {
    this.section.hidden = !this.shown;
    if (!this.shown && this.ranking) { // all of it when it is back
      this.behind = true;
      return;
    }
    if (this.behind && this.shown) changed = Object.keys(START);
    this.behind = !this.shown;
    const [measured, columns] = [changed.includes('measure') || changed.includes('relevance'), changed.includes('bits')];
    if (measured) this.writeCells();
    if (columns) for (const node of this.section.querySelectorAll('.board [data-bits]')) node.hidden = !chosenBits(Number(node.dataset.bits));
    if (measured || columns) this.rank();
    if (changed.includes('sort') || measured || columns) this.order();
    if (changed.includes('methods') || measured || columns) this.filterRows();
    if (changed.some((name) => ['sort', 'methods', 'measure', 'relevance', 'bits'].includes(name))) this.drawBrackets();
    this.figures.update(this.shownRows(), changed);
  }

  // Ranks of the rows that are complete in the chosen columns; the others go below.
  rank() {
    this.ranking = ranking(this.table);
    const { measure, order, ranks, tested, all } = this.ranking;
    const body = (kind) => this.bodies.find((node) => node.classList.contains(kind));
    for (const { node, row, number } of this.rows) {
      if (row.kind === 'reference') continue;
      body(ranks.has(number) ? 'ranked' : 'unranked').append(node);
      node.querySelector('.place').textContent = ranks.get(number) ?? '–';
    }
    const places = [...order, ...this.rows.map(({ number }) => number).filter((number) => !ranks.has(number))];
    this.places = new Map(places.map((number, place) => [number, place]));
    const over = all ? 'all code lengths' : 'the chosen code lengths';
    const how = !tested ? '' : all ? ' that are told apart' : ' that are told apart in the same direction at each of them';
    const untested = tested || measure.id === this.table.metric ? '' : ': by the means alone, these differences are not tested';
    for (const node of this.section.querySelectorAll('.tested')) node.hidden = measure.id !== this.table.metric;
    this.section.querySelector('.ranked-by').textContent = `Rank: 1 + the number of rows with a better mean ${measure.name} over ${over}${how}${untested}`;
  }

  // One bracket for each group of rows that cannot be told apart, beside their ranks; only where they stand in that order.
  drawBrackets() {
    const byRank = state.sort === 'rank';
    const visible = this.ranking.order.filter((number) => this.shows(this.table.rows[number]));
    const lanes = [];
    for (const bracket of byRank ? this.ranking.brackets : []) {
      const members = bracket.filter((number) => visible.includes(number));
      if (members.length < 2) continue;
      const [first, last] = [visible.indexOf(members[0]), visible.indexOf(members[members.length - 1])];
      const lane = lanes.find((one) => one.end < first) ?? lanes[lanes.push({ end: -1, brackets: [] }) - 1];
      lane.end = last;
      lane.brackets.push({ members, first, last });
    }
    this.section.querySelector('.ties-key').hidden = lanes.length === 0;
    this.section.style.setProperty('--lanes', lanes.length);
    for (const { node, number } of this.rows) {
      const rank = node.querySelector('.rank');
      const place = visible.indexOf(number);
      rank.querySelectorAll('.lane').forEach((lane) => lane.remove());
      lanes.forEach(({ brackets }, lane) => {
        const bracket = brackets.find(({ first, last }) => place >= first && place <= last);
        if (place < 0 || !bracket) return;
        const part = place === bracket.first ? ' first' : place === bracket.last ? ' last' : '';
        rank.append(el('span', { class: `lane${part}${bracket.members.includes(number) ? ' member' : ''}`, 'data-lane': lane, 'aria-hidden': 'true' }));
      });
      [...rank.querySelectorAll('.lane')].forEach((mark) => mark.style.setProperty('--lane', mark.dataset.lane));
      const names = [...(this.ranking.alike.get(number) ?? [])].map((other) => this.table.rows[other].label).join(', ');
      if (names) rank.title = `Cannot be told apart from ${names}`;
      else rank.removeAttribute('title');
    }
  }

  filterRows() {
    const coloured = prominent(this.shownRows());
    for (const { node, row, number } of this.rows) {
      node.hidden = !this.shows(row);
      node.classList.toggle('plain-row', row.kind !== 'reference' && !coloured.includes(number));
    }
    for (const body of this.bodies) body.hidden = ![...body.rows].some((node) => node.dataset.row !== undefined && !node.hidden);
  }

  writeCells() {
    const { measure } = this;
    this.section.querySelector('.what').textContent = measure.name;
    this.section.querySelector('.how').textContent = [
      measure.id !== this.table.metric && measure.meaning ? `: ${measure.meaning}` : '', bothKinds && measure.relevance ? `; relevant are ${RELEVANT[measure.relevance]}` : ''].join('');
    for (const { row, cells } of this.rows) {
      for (const node of cells) {
        const button = node.querySelector('button');
        if (button === null) continue;
        const cell = this.table.cells[Number(node.dataset.cell)];
        const marks = this.marks(row, cell, Number(node.dataset.bits), measure);
        node.className = marks.best ? 'best' : marks.like ? 'like' : '';
        button.replaceChildren(...cellParts(cell, measure, marks));
      }
    }
  }

  marks(row, cell, bits, measure) {
    if (measure.id === this.table.metric) return cell;
    if (row.kind === 'reference' || measure.better === 'none' || !whole(cell, measure)) return { best: false, like: false };
    const others = this.table.rows.filter((other) => other.kind !== 'reference').map((other) => cellAt(this.table, other, bits));
    const values = others.filter((other) => whole(other, measure)).map((other) => other.mean[measure.index]);
    const best = measure.better === 'up' ? Math.max(...values) : Math.min(...values);
    return { best: cell.mean[measure.index] === best, like: false };
  }

  order() {
    const down = state.sort.startsWith('-');
    const column = state.sort.replace('-', '');
    const key = this.sortKey(column);
    for (const head of this.heads) {
      if (head.dataset.sort === column) head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    }
    const sorted = [...this.rows].sort((one, other) => {
      const [a, b] = [key(one), key(other)];
      if (a === null || b === null) return (a === null) - (b === null) || one.number - other.number;
      return (down ? -1 : 1) * (a < b ? -1 : a > b ? 1 : 0) || one.number - other.number;
    });
    for (const { node } of sorted) node.parentNode.append(node);
  }

  sortKey(column) {
    if (column === 'rank') return ({ number }) => this.places.get(number);
    if (column === 'method') return ({ row }) => row.label.toLowerCase();
    const { index } = this.measure;
    return ({ row }) => cellAt(this.table, row, Number(column))?.mean[index] ?? null;
  }
}
