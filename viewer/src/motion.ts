// The motion that a file has: that of a clip, a take, or a head that was told to move.
import { type AnimationClip, AnimationMixer } from "three";
import type { Head } from "./head";

export class Motion {
  private readonly mixer: AnimationMixer;
  private playing = false;
  private last = 0;

  /** `moved` is called after each step. */
  constructor(private readonly head: Head, private readonly clip: AnimationClip, private readonly moved: () => void) {
    this.mixer = new AnimationMixer(head.root);
  }

  get isOn(): boolean {
    return this.playing;
  }

  /** Play it again and again, until `stop`. */
  play(): void {
    this.mixer.clipAction(this.clip).play();
    this.playing = true;
    this.last = performance.now();
    requestAnimationFrame((now) => this.step(now));
  }

  /** Leave the head as it was before. */
  stop(): void {
    if (!this.playing) return;
    this.playing = false;
    this.mixer.stopAllAction();
    this.pass();
  }

  private step(now: number): void {
    if (!this.playing) return;
    this.mixer.update(Math.max(now - this.last, 0) / 1000);
    this.last = now;
    this.pass();
    requestAnimationFrame((next) => this.step(next));
  }

  private pass(): void {
    const { head } = this;
    for (const unit of head.twin ? head.units : []) head.twin!.setUnit(unit, head.unit(unit));
    this.moved();
  }
}
