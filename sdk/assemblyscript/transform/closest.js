/** The field whose name is at most a third of its letters away, if any. */
export function closest(name, fields) {
  const distances = fields.map((field) => ({
    field,
    distance: distance(name.toLowerCase(), field.name.toLowerCase()),
  }));
  const [best] = distances.sort((a, b) => a.distance - b.distance);
  return best && best.distance * 3 <= best.field.name.length ? best.field.name : null;
}

function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}
