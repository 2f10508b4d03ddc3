// Steadies what a camera shows, and delays it: an average of the probabilities over the last frames.

export const FRAMES = 8; // less than a second of the page's camera

export class Smoothing {
  #frames = [];

  // The mean [K] of probabilities [K] and of those of the frames before; of these alone at the first.
  mean(probabilities) {
    this.#frames = [...this.#frames, probabilities].slice(-FRAMES);
    return probabilities.map((_, index) => this.#frames.reduce((sum, frame) => sum + frame[index], 0) / this.#frames.length);
  }
}
