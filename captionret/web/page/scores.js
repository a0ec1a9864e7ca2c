// What a score is worth beside the best one.

/**
 * The best score of some hits; null where nothing was compared.
 * @param {{score: number}[]} hits
 */
export const bestOf = (hits) => (hits.some((one) => one.score !== 0) ? Math.max(...hits.map((one) => one.score)) : null);

/**
 * How much of the bar a score fills. Logarithms of likelihoods are below 0: there the ratio of the likelihoods counts.
 * @param {number} score
 * @param {number} best
 */
export const share = (score, best) => Math.max(0.02, best > 0 ? score / best : Math.exp(score - best));
