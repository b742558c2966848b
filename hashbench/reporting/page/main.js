// Puts the parts together: controls, tables, theme, address.
const boards = [...document.querySelectorAll('section.table')].map((section) => new Board(section));
const control = (name) => document.getElementById(name);

function showControls() {
  for (const name of ['methods', 'dataset', 'features', 'measure']) control(name).value = state[name];
  for (const box of document.getElementsByName('bits')) box.checked = chosenBits(Number(box.value));
}

function countShown() {
  const shown = boards.filter((board) => board.shown);
  const rows = shown.flatMap((board) => board.shownRows().filter(({ row }) => row.kind !== 'reference'));
  const bits = new Set(shown.flatMap((board) => board.table.bits.filter(chosenBits)));
  const count = (number, noun) => `${number} ${noun}${number === 1 ? '' : 's'}`;
  const text = `${count(rows.length, 'row')}, ${count(bits.size, 'code length')}, ${count(shown.length, 'table')}`;
  if (control('count').textContent !== text) control('count').textContent = text;
  control('nothing').hidden = boards.length === 0 || (rows.length > 0 && bits.size > 0);
  control('reset').disabled = ['methods', 'dataset', 'features', 'bits', 'measure'].every((name) => state[name] === START[name]);
}

function update(changed) {
  if (changed.length === 1 && changed[0] === 'record') return;
  for (const board of boards) board.update(changed);
  countShown();
}

control('filters').hidden = false;
control('filters').addEventListener('submit', (event) => event.preventDefault());
control('filters').addEventListener('reset', (event) => {
  event.preventDefault();
  change({ ...START, sort: state.sort, at: state.at, curve: state.curve });
  showControls();
});
control('methods').addEventListener('input', (event) => change({ methods: event.target.value }));
for (const name of ['dataset', 'features', 'measure']) control(name).addEventListener('change', (event) => change({ [name]: event.target.value }));
for (const box of document.getElementsByName('bits')) {
  box.addEventListener('change', () => {
    const boxes = [...document.getElementsByName('bits')];
    const chosen = boxes.filter(({ checked }) => checked).map(({ value }) => value);
    change({ bits: chosen.length === boxes.length ? '' : chosen.join(',') || 'none' });
  });
}

document.getElementById('tables').addEventListener('click', (event) => {
  const button = event.target.closest('button.cell');
  if (button === null) return;
  const { table } = boards[Number(button.closest('section.table').dataset.table)];
  openRecord(table, table.rows[Number(button.closest('tr').dataset.row)], table.cells[Number(button.parentNode.dataset.cell)]);
});

const THEMES = ['system', 'light', 'dark'];
const theme = control('theme');
function useTheme(name) {
  if (name === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  theme.textContent = `Theme: ${name}`;
}
function keptTheme() {
  try { return localStorage.getItem('hashbench-theme') ?? 'system'; } catch { return 'system'; }
}
theme.hidden = false;
theme.addEventListener('click', () => {
  const next = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme ?? 'system') + 1) % THEMES.length];
  useTheme(next);
  try { localStorage.setItem('hashbench-theme', next); } catch { /* a page from disk may have no storage */ }
});
useTheme(THEMES.includes(keptTheme()) ? keptTheme() : 'system');

function readAll() {
  readAddress();
  showControls();
  update(Object.keys(START));
  openFromAddress();
}
listeners.push(update);
window.addEventListener('hashchange', readAll);
let width = window.innerWidth;
window.addEventListener('resize', () => {
  if (window.innerWidth === width) return;
  width = window.innerWidth;
  requestAnimationFrame(() => update(['size']));
});
window.addEventListener('beforeprint', () => { for (const board of boards) if (board.shown) board.figures.draw(); });
readAll();
