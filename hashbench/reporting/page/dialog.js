// From a cell to its records: figures, runs, configuration and the command that made them.
const dialog = document.getElementById('record');

function openRecord(table, row, cell) {
  const first = cell.runs[0] ?? cell.troubles[0];
  dialog.replaceChildren(
    el('header', {},
      el('div', {}, el('h2', { id: 'record-title' }, row.label, el('span', {}, cell.bits === null ? ' float features' : ` ${cell.bits} bits`)), el('p', {}, table.title)),
      el('button', { type: 'button', class: 'close', 'aria-label': 'Close', onclick: () => dialog.close() }, '×')),
    el('div', { class: 'content', tabindex: -1 }, ...summary(table, cell), ...troubles(cell), ...runs(table, cell), ...commands(cell), ...configuration(table, row, cell), ...allMeasures(cell)));
  if (!dialog.open) dialog.showModal();
  dialog.querySelector('.content').scrollTop = 0;
  change({ record: first.key });
}

dialog.addEventListener('close', () => change({ record: '' }));
dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });

function openFromAddress() {
  if (state.record === '') { if (dialog.open) dialog.close(); return; }
  for (const table of data.tables) {
    for (const row of table.rows) {
      for (const index of row.cells) {
        const cell = index === null ? null : table.cells[index];
        if (cell && [...cell.runs, ...cell.troubles].some(({ key }) => key === state.record)) { openRecord(table, row, cell); return; }
      }
    }
  }
}

function signed(value) { return `${value < 0 ? '−' : '+'}${written(Math.abs(value), 'share')}`; }

function summary(table, cell) {
  const measure = measures.get(table.metric);
  const { mean, sd } = cellText(cell, measure);
  if (cell.runs.length === 0) return [];
  const parts = [el('p', { class: 'big' }, el('b', {}, mean), sd ? ` ± ${sd}` : '', el('span', {}, ` ${measure.name}, ${cell.runs.length} repetition${cell.runs.length === 1 ? '' : 's'}`))];
  const { against } = cell;
  if (cell.best) parts.push(el('p', {}, 'Best of its column.'));
  if (against) {
    parts.push(el('p', {}, `${signed(against.difference)} against the column’s best on the same ${groups.format(against.queries)} queries (95 % interval of this pair ${signed(against.low)} to ${signed(against.high)}, `
      + `p ${against.p < 0.001 ? '< .001' : `= ${written(against.p, 'share')}`} after correction for all pairs of the table, effect size ${against.effect.toFixed(2).replace('-', '−')}): `
      + `${cell.like ? 'cannot be told apart from it.' : 'told apart from it.'}`));
  }
  if (cell.stale) parts.push(el('p', {}, '† Made from sources that have changed since.'));
  return parts;
}

function troubles(cell) {
  if (cell.troubles.length === 0) return [];
  return [el('h3', {}, 'Did not end well'), el('ul', { class: 'troubles' }, ...cell.troubles.map((run) => el('li', {},
    el('b', {}, `Repetition ${run.repetition}: ${run.status}${run.phase ? ` in ${run.phase}` : ''}. `), run.exception ? `${run.exception}: ` : '', run.message, ' ', recordLink(run, 'Record'))))];
}

function recordLink(run, text) {
  return run.file === null ? text : el('a', { href: data.texts[run.folder] + encodeURIComponent(run.file) }, text);
}

function runs(table, cell) {
  if (cell.runs.length === 0) return [];
  const shown = [...new Set([table.metric, shownMeasure(table).id, 'neighbours/recall@10', 'neighbours/m@95', 'map@all', 'cost:fit'])].map((id) => measures.get(id)).filter((measure) => measure && cell.runs.some((run) => run.values[measure.index] !== null));
  return [el('h3', {}, 'Repetitions'), plainTable('Repetitions', ['#', ...shown.map(({ name }) => capital(name)), { text: 'Record', class: 'left' }, 'Seed'],
    cell.runs.map((run) => [{ head: true, text: String(run.repetition) }, ...shown.map((measure) => written(run.values[measure.index], measure.unit)),
      { class: 'left', node: recordLink(run, run.file ?? run.key) }, run.seed]))];
}

function distinct(cell, name) {
  return [...new Set([...cell.runs, ...cell.troubles].map((run) => data.texts[run[name]]))].filter(Boolean);
}

function commands(cell) {
  const commands = distinct(cell, 'command');
  return [el('h3', {}, commands.length > 1 ? 'Commands that made it' : 'Command that made it'), ...commands.flatMap((command) => {
    const made = [...cell.runs, ...cell.troubles].filter((run) => data.texts[run.command] === command).map((run) => run.repetition);
    const code = el('code', {}, command);
    return [
      commands.length > 1 ? el('p', { class: 'made' }, `Repetition ${made.join(', ')}`) : null,
      el('div', { class: 'command' }, el('pre', {}, code), el('button', { type: 'button', onclick: (event) => copy(event.currentTarget, code.textContent, code) }, 'Copy')),
    ];
  })];
}

async function copy(button, text, source = null) {
  const words = button.textContent;
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (source === null) source = document.body.appendChild(el('span', { class: 'copied' }, text));
    getSelection().selectAllChildren(source);
    done = document.execCommand('copy');
    if (source.className === 'copied') source.remove();
  }
  button.textContent = done ? 'Copied' : 'Selected';
  document.getElementById('live').textContent = button.textContent;
  if (button.id) setTimeout(() => { button.textContent = words; }, 2_000);
}

function configuration(table, row, cell) {
  const entries = [
    ['Preset', row.preset],
    ['The method sees', row.information],
    ...row.parameters,
    ['Features', `${table.features}, ${table.dtype}`],
    ['Weights of the features', table.weights ? `sha256 ${table.weights}` : null],
    ['Features’ checksum', distinct(cell, 'features').join('; ')],
    ['Protocol card', table.card],
    ['Root seed', String(table.seed)],
    ['Made from commit', distinct(cell, 'commit').join('; ')],
    ['Hardware', distinct(cell, 'hardware').join('; ')],
    ['Versions', distinct(cell, 'versions').join('; ')],
  ].filter(([, text]) => text);
  return [el('h3', {}, 'Configuration'), el('dl', { class: 'configuration' }, ...entries.map(([name, text]) => el('div', {}, el('dt', {}, name), el('dd', {}, text))))];
}

function allMeasures(cell) {
  const shown = [...measures.values()].filter((measure) => cell.mean[measure.index] !== null);
  if (shown.length === 0) return [];
  return [el('h3', {}, 'All figures'), plainTable('All figures', ['Figure', 'Mean', 'sd', { text: 'Definition', class: 'left' }], shown.map((measure) => {
    const { mean, sd } = cellText(cell, measure);
    return [{ head: true, text: measure.name }, mean, sd || '–', { text: measure.meaning, class: 'left meaning' }];
  }))];
}
