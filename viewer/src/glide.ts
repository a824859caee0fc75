// Movements that take a moment, so that the eye follows them; at once for people who want no motion.

const STILL = matchMedia("(prefers-reduced-motion: reduce)");

/** One movement at a time: the next one takes over where it is. */
export class Glide {
  private running = 0;

  constructor(private readonly milliseconds: number) {}

  /** Call `step` with shares from 0 to 1 of the way, slow at both ends; the last is 1. */
  go(step: (share: number) => void): void {
    this.stop();
    if (STILL.matches) return step(1);
    const start = performance.now();
    const on = (now: number) => {
      const passed = Math.min(Math.max((now - start) / this.milliseconds, 0), 1);
      step(passed * passed * (3 - 2 * passed));
      this.running = passed < 1 ? requestAnimationFrame(on) : 0;
    };
    this.running = requestAnimationFrame(on);
  }

  stop(): void {
    cancelAnimationFrame(this.running);
  }
}
