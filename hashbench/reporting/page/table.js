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
    const measure = measures.get(state.measure);
    const natural = column === 'rank' || column === 'method' || measure.better === 'down' ? column : `-${column}`;
    const other = natural.startsWith('-') ? column : `-${column}`;
    change({ sort: state.sort === natural ? other : natural });
    const [key, down] = [state.sort.replace('-', ''), state.sort.startsWith('-')];
    document.getElementById('live').textContent = `Sorted by ${key === 'rank' || key === 'method' ? key : `${key} bits`}, ${down ? 'descending' : 'ascending'}`;
  }

  get shown() { return chosenTable(this.table); }

  shownRows() { return this.rows.filter(({ row }) => chosenRow(row)); }

  update(changed) {
    this.section.hidden = !this.shown;
    if (!this.shown) return;
    if (changed.includes('measure')) this.writeCells();
    if (changed.includes('bits')) for (const node of this.section.querySelectorAll('.board [data-bits]')) node.hidden = !chosenBits(Number(node.dataset.bits));
    if (changed.includes('methods')) this.filterRows();
    if (changed.includes('sort') || changed.includes('measure')) this.order();
    this.figures.update(this.shownRows(), changed);
  }

  filterRows() {
    const coloured = prominent(this.shownRows());
    for (const { node, row, number } of this.rows) {
      node.hidden = !chosenRow(row);
      node.classList.toggle('plain-row', row.kind !== 'reference' && !coloured.includes(number));
    }
    for (const body of this.bodies) body.hidden = ![...body.rows].some((node) => node.dataset.row !== undefined && !node.hidden);
  }

  writeCells() {
    const measure = measures.get(state.measure);
    this.section.querySelector('.what').textContent = measure.name;
    this.section.querySelector('.how').textContent = measure.id === data.headline || !measure.meaning ? '' : `: ${measure.meaning}`;
    for (const { row, cells } of this.rows) {
      for (const node of cells) {
        const button = node.querySelector('button');
        if (button === null) continue;
        const cell = this.table.cells[Number(node.dataset.cell)];
        const { best, like } = this.marks(row, cell, Number(node.dataset.bits), measure);
        const { mean, sd } = cellText(cell, measure);
        const shown = mean === '–' && cell.runs.length === 0 && cell.troubles.length ? cell.troubles[0].status : mean + (cell.stale && mean !== '–' ? '†' : '');
        node.className = best ? 'best' : like ? 'like' : '';
        button.replaceChildren(
          el('span', { class: 'mark', 'aria-hidden': 'true' }, best ? '★' : like ? '≈' : ''),
          el('span', { class: 'number' }, shown), ' ',
          sd === '' ? '' : el('span', { class: 'spread' }, `±\u00a0${sd}`),
          el('span', { class: 'hidden' }, best ? ', best' : like ? ', not told apart from the best' : ''));
      }
    }
  }

  marks(row, cell, bits, measure) {
    if (measure.id === data.headline) return cell;
    if (row.kind !== 'ranked' || measure.better === 'none') return { best: false, like: false };
    const values = this.table.rows.filter((other) => other.kind === 'ranked').map((other) => cellAt(this.table, other, bits)?.mean[measure.index]).filter((value) => value !== null && value !== undefined);
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
    if (column === 'rank') return ({ number }) => number;
    if (column === 'method') return ({ row }) => row.label.toLowerCase();
    const index = measures.get(state.measure).index;
    return ({ row }) => cellAt(this.table, row, Number(column))?.mean[index] ?? null;
  }
}
