// What a score is worth beside the best one.

/**
 * The best score of some hits; null where nothing was compared: all have none, or, where filters alone chose them, the
 * same.
 * @param {{score: number}[]} hits
 */
export function bestOf(hits) {
  const scores = hits.map((one) => one.score);
  const same = scores.length > 1 && scores.every((one) => one === scores[0]);
  return same || scores.every((one) => one === 0) ? null : Math.max(...scores);
}

/**
 * How much of the bar a score fills. Logarithms of likelihoods are below 0: there the ratio of the likelihoods counts.
 * @param {number} score
 * @param {number} best
 */
export const share = (score, best) => Math.max(0.02, best > 0 ? score / best : Math.exp(score - best));
