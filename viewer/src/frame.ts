// A head on its stage with its photograph: in a corner, or behind the head, which is then where the photograph shows it.
import type { HeadContent } from "./content";
import { element } from "./dom";
import type { Head } from "./head";
import { cameraOf, type PhotographCamera, photographIn } from "./placement";
import { Stage } from "./stage";

export class Frame {
  readonly element = element("div", { class: "frame" });
  readonly stage: Stage;
  private beside?: Frame; // does what this one does
  private camera?: PhotographCamera;
  private filmed?: PhotographCamera; // of the newest frame of a film
  private picture: string | null = null; // of the head that is shown
  private readonly video = element("video", {
    class: "corner", autoplay: true, playsinline: true, muted: true, hidden: true, "aria-label": "Camera",
  });
  private readonly still = element("canvas", { class: "behind", role: "img", "aria-label": "Camera" });
  private readonly corner = element("img", { class: "corner", alt: "The photograph" });
  private readonly behind = element("img", { class: "behind", alt: "What the head lies over" });

  constructor() {
    for (const image of [this.corner, this.behind]) image.addEventListener("load", () => this.refresh());
    this.element.append(this.behind, this.corner, this.video);
    this.stage = new Stage(this.element);
    this.stage.canvas.addEventListener("over", () => this.refresh());
  }

  show(head: Head, { picture, facts }: HeadContent): void {
    this.picture = picture;
    this.camera = picture ? cameraOf(facts) : undefined;
    for (const image of [this.corner, this.behind]) image.removeAttribute("src");
    if (picture) void this.hang(picture, photographIn(facts));
    this.stage.setHead(head);
    this.refresh();
  }

  /** Show a picture, of whose sides the photograph fills these shares: beyond its edges there is nothing to see. */
  private async hang(picture: string, [left, top, right, bottom]: readonly number[]): Promise<void> {
    const image = element("img", { src: picture, alt: "" });
    await image.decode().catch(() => {}); // one that cannot be shown is not
    if (this.picture !== picture) return; // another head is shown by now
    const { naturalWidth: width, naturalHeight: height } = image;
    const edges = [Math.ceil(left! * width), Math.ceil(top! * height), Math.floor(right! * width), Math.floor(bottom! * height)];
    const [x, y] = edges as [number, number];
    const [wide, high] = [edges[2]! - x, edges[3]! - y];
    const cut = (across: number, down: number, dx: number, dy: number) => {
      const canvas = element("canvas");
      [canvas.width, canvas.height] = [across, down];
      canvas.getContext("2d")!.drawImage(image, x, y, wide, high, dx, dy, wide, high);
      return canvas.toDataURL("image/webp", 0.95);
    };
    const whole = !(wide > 0 && high > 0) || (wide >= width && high >= height);
    this.corner.src = whole ? picture : cut(wide, high, 0, 0);
    this.behind.src = whole ? picture : cut(width, height, x, y);
  }

  /** Let another one do what this one does. */
  pair(beside: Frame | undefined): void {
    this.beside = beside;
    this.stage.beside = beside?.stage;
  }

  /** Whether the head can be put over its photograph. */
  get placed(): boolean {
    return this.camera !== undefined;
  }

  private get isFilm(): boolean {
    return this.video.srcObject !== null;
  }

  get isOver(): boolean {
    return this.stage.isOver;
  }

  /** Put the head over its photograph, or take it away from there. */
  over(on: boolean): void {
    this.stage.over(on ? (this.filmed ?? this.camera) : undefined);
    this.beside?.over(on);
  }

  /** Show a camera instead of the photograph, or again the photograph. */
  film(stream: MediaStream | null): void {
    this.video.srcObject = stream;
    this.element.classList.remove("unseen");
    if (stream) this.element.prepend(this.still);
    else this.still.remove();
    this.filmed = undefined;
    this.over(false);
    this.refresh();
  }

  /**
   * Put the head where a frame of the film shows it, unless it was taken away from there. Behind it is that very frame:
   * the film itself is ahead by what the answer took. A frame that shows nobody has no camera, and the head
   * grows faint.
   */
  follow(picture: HTMLCanvasElement, camera?: PhotographCamera): void {
    [this.still.width, this.still.height] = [picture.width, picture.height];
    this.still.getContext("2d")!.drawImage(picture, 0, 0);
    this.element.classList.toggle("unseen", !camera);
    if (!camera) return;
    const over = this.isOver || !this.filmed;
    this.filmed = camera;
    if (over) this.over(true);
  }

  /** Let the photograph shine through the head: an opacity from 0 to 1. */
  fade(opacity: number): void {
    this.stage.canvas.style.opacity = this.isOver ? `${opacity}` : "";
    this.beside?.fade(opacity);
  }

  private refresh(): void {
    this.behind.hidden = !this.isOver || this.isFilm || !this.behind.naturalWidth;
    this.corner.hidden = this.isOver || this.isFilm || !this.corner.naturalWidth;
    this.video.hidden = !this.isFilm || this.isOver;
    this.still.hidden = !this.isOver;
    if (this.isOver) return;
    this.stage.canvas.style.opacity = "";
    this.beside?.over(false);
  }
}
