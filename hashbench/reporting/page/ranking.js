// Ranks of the rows that are complete in the chosen columns, and which of them cannot be told apart.
const MOST_GROUPS = 200;

function valueAt(table, row, bits, measure) { return cellAt(table, row, bits)?.mean[measure.index] ?? null; }

function whole(cell, measure) { return cell !== null && cell.mean[measure.index] !== null && cell.troubles.length === 0; }

function mean(values) { return values.reduce((sum, value) => sum + value, 0) / values.length; }

// Accuracy ranks by what is shown; costs and codes are read in the order of what the table ranks by.
function rankingMeasure(table) {
  const shown = shownMeasure(table);
  return shown.relevance && shown.better !== 'none' ? shown : measures.get(table.metric);
}

// Whether two methods are told apart: true, false, or null where they were not compared.
function toldApart(table, bits, one, other) {
  const signs = table.toldApart[bits];
  if (signs === undefined) return null;
  const [first, second] = one < other ? [one, other] : [other, one];
  const methods = table.rows.filter(({ kind }) => kind !== 'reference').length;
  const sign = signs[first * methods - (first * (first + 1)) / 2 + second - first - 1];
  return sign === '-' ? null : sign === '1';
}

/* Over all code lengths their means were compared. Over some of them two rows are told apart where they are, in one
   direction, at each: the comparisons of a table hold all at once, so that this needs no test of its own. */
function apart(table, chosen, measure, one, other) {
  if (measure.id !== table.metric) return null;
  if (chosen.length === table.bits.length) return toldApart(table, 'mean', one, other);
  const each = chosen.map((bits) => toldApart(table, bits, one, other));
  if (each.includes(null)) return null;
  const ways = chosen.map((bits) => Math.sign(valueAt(table, table.rows[one], bits, measure) - valueAt(table, table.rows[other], bits, measure)));
  return each.every(Boolean) && ways.every((way) => way === ways[0]);
}

// { measure, order: numbers of the complete rows, best first, ranks: by number, null for none, tested, alike: by number, brackets: lists of numbers }
function ranking(table) {
  const [measure, chosen] = [rankingMeasure(table), table.bits.filter(chosenBits)];
  const better = (a, b) => (measure.better === 'down' ? a < b : a > b);
  const methods = table.rows.map((row, number) => ({ row, number })).filter(({ row }) => row.kind !== 'reference');
  const over = (row, columns) => mean(columns.map((bits) => valueAt(table, row, bits, measure)));
  const complete = methods.filter(({ row }) => chosen.length && chosen.every((bits) => whole(cellAt(table, row, bits), measure)));
  const means = new Map(complete.map(({ row, number }) => [number, over(row, chosen)]));
  const order = complete.map(({ number }) => number).sort((a, b) => (better(means.get(a), means.get(b)) ? -1 : better(means.get(b), means.get(a)) ? 1 : a - b));
  const others = methods.filter(({ number }) => !means.has(number)).map(({ row }) => {
    const common = chosen.filter((bits) => valueAt(table, row, bits, measure) !== null);
    return { common, mean: common.length ? over(row, common) : null };
  });
  const ranks = new Map();
  let last = 1;
  order.forEach((number, place) => {
    const above = order.slice(0, place).filter((other) => apart(table, chosen, measure, other, number) ?? better(means.get(other), means.get(number)));
    last = Math.max(last, 1 + above.length);
    const hidden = others.some((other) => other.mean !== null && better(other.mean, over(table.rows[number], other.common)));
    ranks.set(number, hidden ? null : last);
  });
  const alike = alikeRows(order, (one, other) => apart(table, chosen, measure, one, other) === false);
  const tested = order.some((one) => order.some((other) => one !== other && apart(table, chosen, measure, one, other) !== null));
  return { measure, order, ranks, tested, all: chosen.length === table.bits.length, alike, brackets: groupsAlike(alike) };
}

// For each of these rows the others that it is not told apart from: a Set by number.
function alikeRows(order, alike) {
  return new Map(order.map((one) => [one, new Set(order.filter((other) => other !== one && alike(one, other)))]));
}

/* The largest groups of rows none of which is told apart from another, in the order of their first rows. There may be
   exponentially many: none where there are more than MOST_GROUPS, since a part of them would leave out ties.
   Bron and Kerbosch's algorithm with the pivot of Tomita et al.: each group has the pivot or a row that is told apart from it. */
function groupsAlike(alike) {
  const groups = [];
  const grow = (group, candidates, seen) => {
    if (groups.length > MOST_GROUPS) return;
    if (candidates.length === 0) {
      if (seen.length === 0 && group.length > 1) groups.push(group);
      return;
    }
    const reach = [...candidates, ...seen].map((row) => alike.get(row)).map((near) => [near, candidates.filter((row) => near.has(row)).length]);
    const [besidePivot] = reach.reduce((most, one) => (one[1] > most[1] ? one : most));
    for (const next of candidates.filter((row) => !besidePivot.has(row))) {
      const near = alike.get(next);
      grow([...group, next], candidates.filter((row) => near.has(row)), seen.filter((row) => near.has(row)));
      candidates = candidates.filter((row) => row !== next);
      seen = [...seen, next];
    }
  };
  grow([], [...alike.keys()], []);
  if (groups.length > MOST_GROUPS) return [];
  const places = new Map([...alike.keys()].map((row, place) => [row, place]));
  const inOrder = (one, other) => places.get(one) - places.get(other);
  const byRows = (one, other) => one.map((row, place) => inOrder(row, other[place])).find(Boolean);
  return groups.map((group) => [...group].sort(inOrder)).sort(byRows);
}
