// How dark each cell of a picture is made, by how little was looked at it.

/**
 * RGBA of black shades by the roots of the weights, which fall off steeply; four bytes a cell: none where most was looked, `darkest` where nothing.
 * @param {number[]} weights
 * @param {number} darkest 0 to 1
 */
export function shades(weights, darkest) {
  const most = Math.max(...weights, Number.MIN_VALUE);
  const found = new Uint8ClampedArray(4 * weights.length);
  weights.forEach((one, place) => {
    found[4 * place + 3] = Math.round(255 * darkest * (1 - Math.sqrt(one / most)));
  });
  return found;
}
