// Where a picture was taken, as people read it.

/** @param {number} latitude @param {number} longitude in degrees, north and east positive */
export function placeName(latitude, longitude) {
  const side = (/** @type {number} */ angle, /** @type {string} */ sides) => `${Math.abs(angle).toFixed(2)}° ${sides[angle < 0 ? 1 : 0]}`;
  return `${side(latitude, "NS")}, ${side(longitude, "EW")}`;
}
