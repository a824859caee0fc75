// A webcam moves the head: frame after frame goes to the server, each when the last one is answered.
import { post } from "./api";
import { element } from "./dom";
import { cameraOfFrame } from "./placement";
import type { Viewer } from "./viewer";

const WIDTH = 480; // pixels of a frame; a face needs no more
const QUALITY = 0.8;
const LATEST = 20; // frames whose rate is told
const TELL = 1000; // milliseconds from one rate to the next

interface Answer {
  session: string;
  image: { width: number; height: number };
  heads: { expression: Record<string, number>; head_to_image: number[][]; hidden: string | null }[];
}

export class Live {
  private readonly video = element("video", { autoplay: true, playsinline: true, muted: true });
  private readonly shown = element("canvas"); // the frame that is asked about, as the camera gave it
  private readonly canvas = element("canvas"); // and as it is sent
  private readonly times: number[] = [];
  private session = "";
  private stream?: MediaStream;

  constructor(private readonly viewer: Viewer, private readonly token: () => string) {}

  get isOn(): boolean {
    return this.stream !== undefined;
  }

  /** Ask for the camera. */
  async open(): Promise<void> {
    this.stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 } } }).catch(() => {
      throw new Error("The camera cannot be used. Allow it for this page, or choose a file.");
    });
    this.video.srcObject = this.stream;
    await this.video.play();
    const height = Math.round((WIDTH * this.video.videoHeight) / this.video.videoWidth);
    [this.shown.width, this.shown.height] = [this.video.videoWidth, this.video.videoHeight];
    [this.canvas.width, this.canvas.height] = [WIDTH, height];
  }

  /** What the camera sees now. */
  frame(quality = QUALITY): Promise<Blob> {
    this.shown.getContext("2d")!.drawImage(this.video, 0, 0);
    this.canvas.getContext("2d")!.drawImage(this.shown, 0, 0, this.canvas.width, this.canvas.height);
    return new Promise((resolve, reject) => {
      this.canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The camera shows nothing."))), "image/jpeg", quality);
    });
  }

  /** Move the head that is shown, until `close`; tells of each change whether a face is seen, and now and then how fast. */
  async run(tell: (seen: boolean) => void, rate: (text: string) => void): Promise<void> {
    const { frame, stage } = this.viewer;
    let [before, told]: [boolean | undefined, number] = [undefined, 0];
    frame.film(this.stream!);
    try {
      while (this.isOn) {
        const answer = await this.ask(await this.frame());
        const [seen] = answer.heads;
        const head = this.viewer.head!;
        if (!this.isOn) break;
        if (!seen) frame.follow(this.shown);
        else {
          head.setUnits(seen.expression);
          if (seen.hidden) head.setHidden(seen.hidden);
          frame.follow(this.shown, cameraOfFrame(seen.head_to_image, answer.image.width, answer.image.height));
          this.viewer.panel!.refresh();
          stage.draw();
        }
        if (!!seen !== before) tell((before = !!seen));
        const now = performance.now();
        const text = this.rate(now);
        if (now - told < TELL) continue;
        rate(text);
        told = now;
      }
    } finally {
      this.close();
      this.viewer.head?.resetHidden();
      frame.film(null);
    }
  }

  close(): void {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = undefined;
    this.session = "";
    this.times.length = 0;
  }

  private rate(now: number): string {
    this.times.push(now);
    if (this.times.length > LATEST) this.times.shift();
    const seconds = (now - this.times[0]!) / 1000;
    return seconds ? `${((this.times.length - 1) / seconds).toFixed(1)} frames a second` : "";
  }

  private async ask(body: Blob): Promise<Answer> {
    const session = encodeURIComponent(this.session);
    const said = (await post(`/api/live?session=${session}`, body, this.token(), "image/jpeg")) as Answer;
    this.session = said.session;
    return said;
  }
}
