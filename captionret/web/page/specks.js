// Points on a canvas, where there are very many of them.

/** Very many points, written into the pixels: as rectangles they would take a tenth of a second. */
export class Specks {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {string | CanvasGradient | CanvasPattern} colour #rrggbb
   * @param {number} size in pixels of the canvas
   */
  constructor(canvas, colour, size) {
    this.image = new ImageData(canvas.width, canvas.height);
    this.colour = Number.parseInt(String(colour).slice(1), 16);
    this.side = Math.max(1, Math.round(size));
  }

  /** @param {number} x @param {number} y its middle */
  add(x, y) {
    const { side, colour } = this;
    const { data, width, height } = this.image;
    const [left, top] = [Math.round(x - side / 2), Math.round(y - side / 2)];
    for (let row = Math.max(0, top); row < Math.min(height, top + side); row += 1) {
      for (let column = Math.max(0, left); column < Math.min(width, left + side); column += 1) {
        const place = 4 * (row * width + column);
        data[place] = colour >> 16;
        data[place + 1] = (colour >> 8) & 255;
        data[place + 2] = colour & 255;
        data[place + 3] += (255 - data[place + 3]) * 0.45;
      }
    }
  }
}
