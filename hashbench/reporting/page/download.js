// What is shown as a file: CSV with a line for each cell, JSON with the same and the view's link.
const FORMULA_BEGINNINGS = ['=', '+', '-', '@', '\t', '\r'];

function cellLine(table, row, rank, bits, cell, marks, measure) {
  return {
    protocol: table.fixed.protocol, card: table.fixed.card, features: table.features, features_weights: table.weights || null, features_dtype: table.dtype,
    limit: table.fixed.limit, seed: table.seed, supervised: table.fixed.supervised, neighbours: table.fixed.neighbours ?? null, ranking: table.fixed.ranking ?? null,
    metrics_version: table.fixed.metric_version, measure: measure.id, relevance: measure.relevance, rank, row: row.label, kind: row.kind, bits,
    mean: cell.mean[measure.index], sd: cell.sd[measure.index], repetitions: cell.runs.length, failed: cell.troubles.length, stale: cell.stale,
    best: marks.best, tied_with_best: marks.like,
  };
}

function shownLines() {
  if (byFeatures.shown) {
    return byFeatures.content().filter(({ measure }) => measure.relevance !== 'neighbours').flatMap(({ bits, measure, lines }) => lines.flatMap(({ table, row, rank }) => bits.map((value) => [value, cellAt(table, row, value)]).filter(([, cell]) => cell !== null)
      .map(([value, cell]) => cellLine(table, row, rank, value, cell, { best: isBest(lines, value, measure, cell), like: false }, measure))));
  }
  return boards.filter((board) => board.shown).flatMap((board) => [...board.shownRows()].sort((one, other) => (board.places.get(one.number) ?? 0) - (board.places.get(other.number) ?? 0) || one.number - other.number)
    .sort((one, other) => (one.row.kind === 'reference') - (other.row.kind === 'reference'))
    .flatMap(({ row, number }) => board.table.bits.filter(chosenBits).map((bits) => [bits, cellAt(board.table, row, bits)]).filter(([, cell]) => cell !== null)
      .map(([bits, cell]) => cellLine(board.table, row, board.ranking.ranks.get(number) ?? null, bits, cell, board.marks(row, cell, bits, board.measure), board.measure))));
}

// A name that a spreadsheet would take for a formula stands behind an apostrophe, so that it stays text.
function csvField(value) {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' && FORMULA_BEGINNINGS.includes(value[0]) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function asCsv(lines) {
  const names = Object.keys(lines[0] ?? {});
  return [names, ...lines.map((line) => names.map((name) => line[name]))].map((fields) => `${fields.map(csvField).join(',')}\n`).join('');
}

function asJson(lines) {
  const used = new Set(lines.map(({ measure }) => measure));
  const shown = data.measures.filter(({ id }) => used.has(id)).map(({ id, name, better, unit, meaning }) => ({ id, name, better, unit, meaning }));
  return `${JSON.stringify({ view: location.hash, measures: shown, cells: lines }, null, 1)}\n`;
}

function download(name, type, text) {
  const link = el('a', { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
