// What is shown, kept in the address after '#', so that a view can be linked.
const START = { view: '', method: '', methods: '', dataset: '', features: '', relevance: '', measure: '', bits: '', sort: 'rank', at: '', curve: 'radius', table: '', record: '' };
const state = { ...START };
const listeners = [];

function readAddress() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  Object.assign(state, START);
  for (const name of Object.keys(START)) if (parameters.has(name)) state[name] = parameters.get(name);
  if (!measures.has(state.measure)) state.measure = START.measure;
  if (!(state.relevance in data.headlines)) state.relevance = START.relevance;
  if (state.relevance && measures.get(state.measure)?.relevance && measures.get(state.measure).relevance !== state.relevance) state.measure = START.measure;
}

function writeAddress() {
  const changed = Object.entries(state).filter(([name, value]) => value !== START[name]);
  const hash = changed.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
  history.replaceState(null, '', hash ? `#${hash}` : location.pathname + location.search);
}

function change(changes) {
  Object.assign(state, changes);
  writeAddress();
  for (const listener of listeners) listener(Object.keys(changes));
}

function chosenBits(bits) {
  const chosen = state.bits === '' ? null : state.bits.split(',').map(Number);
  return chosen === null || chosen.includes(bits);
}

function chosenRow(row) {
  const terms = state.methods.toLowerCase().split(',').map((term) => term.trim()).filter(Boolean);
  return row.kind === 'reference' || terms.length === 0 || terms.some((term) => row.label.toLowerCase().includes(term));
}

function has(table, measure) { return measure !== undefined && table.cells.some((cell) => cell.mean[measure.index] !== null); }

function chosenTable(table) {
  return (state.dataset === '' || state.dataset === table.dataset) && (state.features === '' || state.features === table.features)
    && (state.relevance === '' || has(table, measures.get(data.headlines[state.relevance])));
}

// What a table shows: the chosen measure, else the headline of the chosen relevance, else what it ranks by itself.
function shownMeasure(table) {
  return measures.get(state.measure || data.headlines[state.relevance] || table.metric);
}

// The code length of the figures that show one: the chosen one where the table has it, else its longest.
function figureBits(table) {
  const shown = table.bits.filter(chosenBits);
  return shown.includes(Number(state.at)) ? Number(state.at) : shown[shown.length - 1];
}

function cellAt(table, row, bits) {
  const index = row.cells[table.bits.indexOf(bits)];
  return index === null || index === undefined ? null : table.cells[index];
}
