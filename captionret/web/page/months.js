// A time line's months.

/**
 * The months from the first to the last, those without pictures among them.
 * @param {import("./api.js").Counted[]} months
 */
export function allMonths(months) {
  const counts = new Map(months.map((one) => [one.name, one.pictures]));
  const found = [];
  let [year, month] = months[0].name.split("-").map(Number);
  const last = months[months.length - 1].name;
  for (let name = months[0].name; name <= last && found.length < 1200; ) {
    found.push({ name, pictures: counts.get(name) ?? 0 });
    [year, month] = month === 12 ? [year + 1, 1] : [year, month + 1];
    name = `${String(year).padStart(4, "0")}-${String(month).padStart(2, "0")}`;
  }
  return found;
}
