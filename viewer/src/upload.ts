// From a photograph to heads on the page: drop, choose, paste or photograph, and watch how far it is.
import { follow, headsOf, type Job, nearest, photographOf, send } from "./api";
import { photographed } from "./camera";
import type { Content, HeadContent } from "./content";
import { button, element, toggle } from "./dom";
import type { Gallery } from "./gallery";
import { Live } from "./live";
import { painted } from "./paint";

const EXAMPLE = "/example.jpg";
const LIVE = "Live camera";
const EARLIER = 6; // heads of photographs before, to compare with

export class Upload {
  readonly element: HTMLElement;
  private readonly file = element("input", { type: "file", id: "file", accept: "image/*,.heic,.heif", class: "visually-hidden" });
  private readonly status = element("div", { class: "status", role: "status" });
  private readonly rate = element("span", { class: "rate" }); // beside it, as nobody wants to hear each
  private readonly token: HTMLInputElement | null = null;
  private readonly hide = button("Hide part of the face", () => void this.fromPaint(), { class: "after" });
  private clear?: { job: Job; name: string; photo: Blob; file: string }; // what is shown, without paint
  private earlier: HeadContent[] = []; // of photographs before it, the latest first
  private faces: number[] = []; // of that photograph, of the heads that are shown
  private readonly live: Live;
  private readonly liveButton = button(LIVE, () => void this.trying(() => this.goLive()));
  private readonly preview = element("img", { class: "preview", alt: "" });
  private wrinkles = false; // whether heads get those of the photograph
  private latest = 0; // of several photographs the last one is shown

  constructor(private readonly gallery: Gallery, private readonly content: Content) {
    const { token: needsToken = false, minutes = 0 } = content;
    const choose = element("label", { for: "file", class: "button primary" }, "Choose a photograph");
    const buttons = element("div", { class: "buttons" }, this.file, choose);
    if (navigator.mediaDevices) buttons.append(button("Take a photograph", () => void this.fromCamera()), this.liveButton);
    const text = element("p", { class: "drop" }, "Drop a photograph of a face here, or paste it. A hand, glasses or a " +
      "mask may hide part of the face.");
    buttons.append(this.hide, toggle("with-wrinkles", "with wrinkles", false, (on) => void this.withWrinkles(on)));
    const title = element("h1", { class: "title" }, "A photograph becomes a head");
    const example = button("", () => void this.trying(() => this.fromExample()), { class: "example" });
    example.append(element("span", {}, element("img", { src: EXAMPLE, alt: "" })), "Or try this one");
    const note = element("p", { class: "note" }, "Photographs go to this server and nowhere else. It deletes them when " +
      `it has made the head, and the head after ${minutes} minutes.`);
    this.preview.hidden = true;
    this.preview.addEventListener("load", () => (this.preview.hidden = false));
    this.element = element("header", { class: "upload" }, element("span", { class: "brand" }, "unveil"), title, text,
      buttons, example, this.preview, this.status, this.rate, note);
    if (needsToken) {
      const given = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
      this.token = element("input", { id: "token", type: "password", value: given, autocomplete: "off" });
      buttons.append(element("label", { for: "token" }, "Token"), this.token);
    }
    this.live = new Live(gallery.viewer, () => this.token?.value ?? "");
    this.file.addEventListener("change", () => void this.take(this.file.files));
    this.listen();
  }

  private listen(): void {
    const dragging = (on: boolean) => document.body.classList.toggle("dragging", on);
    addEventListener("dragover", (event) => {
      event.preventDefault();
      dragging(true);
    });
    addEventListener("dragleave", (event) => event.relatedTarget || dragging(false)); // out of the window
    addEventListener("drop", (event) => {
      event.preventDefault();
      dragging(false);
      void this.take(event.dataTransfer?.files);
    });
    addEventListener("paste", (event) => void this.take(event.clipboardData?.files));
  }

  private async fromCamera(): Promise<void> {
    await this.trying(async () => {
      const photo = await photographed();
      if (photo) await this.reconstruct(photo, "camera.jpg");
    });
  }

  /** Let the camera move the head that is shown; without one, the head of whom the camera sees. */
  private async goLive(): Promise<void> {
    if (this.live.isOn) return this.live.close();
    try {
      this.say("Waiting for the camera", true);
      await this.live.open();
      this.liveButton.textContent = "Stop the camera";
      if (!this.clear) await this.reconstruct(await this.live.frame(0.95), "camera.jpg");
      this.say("Waiting for the first answer", true);
      const tell = (seen: boolean) => this.say(seen ? "Live" : "Live: no face to be seen", false);
      await this.live.run(tell, (text) => (this.rate.textContent = text));
      this.say("The camera is off.", false);
    } finally {
      this.rate.textContent = "";
      this.live.close();
      this.liveButton.textContent = LIVE;
    }
  }

  /** Give heads wrinkles from now on, or none; the one that is shown, too. */
  private async withWrinkles(on: boolean): Promise<void> {
    this.wrinkles = on;
    const shown = this.clear;
    if (shown && !this.live.isOn) await this.trying(() => this.reconstruct(shown.photo, shown.file));
  }

  /** Reconstruct the face again with something painted over it, and show both heads. */
  private async fromPaint(): Promise<void> {
    const { job, name } = this.clear!;
    const face = this.faces[this.gallery.chosen]!;
    await this.trying(async () => {
      const photo = await painted(job.links.photograph!, job.image!.width, job.faces![face]!.landmarks2d,
        this.content.hand!);
      const done = photo && (await this.followed(photo, "hidden.jpg"));
      if (!done) return;
      const clear = headsOf(job, name)[face]!;
      const hidden = headsOf(done, name)[nearest(done, job, face)]!;
      await this.gallery.show([clear, { ...hidden, name: `${clear.name}, partly hidden` }], undefined, 1, this.earlier);
      this.faces = [face, face];
      this.say(keptUntil(done), false);
    });
  }

  private async take(files: FileList | null | undefined): Promise<void> {
    const photo = files?.[0];
    this.file.value = ""; // so that the same file can be chosen again
    if (photo) await this.trying(() => this.reconstruct(photo, photo.name));
  }

  /** The photograph that comes with unveil, for those who have none at hand. */
  private async fromExample(): Promise<void> {
    const answer = await fetch(EXAMPLE);
    if (!answer.ok) throw new Error("The server does not answer. Is it still running?");
    await this.reconstruct(await answer.blob(), "example.jpg");
  }

  private async reconstruct(photo: Blob, name: string): Promise<void> {
    if (photo.type.startsWith("video/")) {
      throw new Error(`This page takes photographs. To follow everybody in a clip: unveil reconstruct ${name} -o out`);
    }
    const pressed = document.activeElement;
    const address = URL.createObjectURL(photo);
    this.preview.src = address;
    scrollTo({ top: 0 });
    document.body.classList.add("busy-with-photo");
    const done = await this.followed(photo, name).finally(() => {
      document.body.classList.remove("busy-with-photo");
      this.preview.hidden = true;
      URL.revokeObjectURL(address);
    });
    if (!done) return;
    const before = this.clear ? headsOf(this.clear.job, this.clear.name) : [];
    this.earlier = [...before, ...this.earlier].slice(0, EARLIER);
    this.clear = { job: done, name: this.unused(name.replace(/\.\w+$/, "")), photo, file: name };
    this.faces = done.faces!.map((_, k) => k);
    document.body.classList.add("with-result");
    await this.gallery.show(headsOf(done, this.clear.name), photographOf(done), -1, this.earlier);
    this.say(keptUntil(done), false);
    const { body, activeElement: focused } = document;
    if (focused === body && pressed !== body) this.gallery.viewer.stage.canvas.focus({ preventScroll: true }); // it is gone
  }

  /** A name, with a number where an earlier head has it. */
  private unused(name: string): string {
    const used = new Set(this.earlier.map((head) => head.name));
    let [free, number] = [name, 1];
    while (used.has(free) || used.has(`${free} 1`)) free = `${name} (${++number})`;
    return free;
  }

  /** The job of a photograph when it is done; null where another one was sent meanwhile. */
  private async followed(photo: Blob, name: string): Promise<Job | null> {
    const mine = ++this.latest;
    this.say("Sending the photograph", true);
    const job = await send(photo, name, this.token?.value ?? "", this.wrinkles);
    const done = await follow(job, (now) => mine === this.latest && this.say(stageOf(now), true));
    return mine === this.latest ? done : null;
  }

  private async trying(what: () => Promise<void>): Promise<void> {
    try {
      await what();
    } catch (error) {
      this.status.replaceChildren(element("p", { class: "error", role: "alert" }, (error as Error).message));
    }
  }

  private say(text: string, busy: boolean): void {
    this.status.replaceChildren(element("p", { class: busy ? "busy" : "" }, text));
  }
}

function stageOf(job: Job): string {
  if (job.status !== "waiting") return `${job.stage.charAt(0).toUpperCase()}${job.stage.slice(1)}`;
  return job.ahead > 0 ? `Waiting, ${job.ahead} before this one` : "Waiting";
}

function keptUntil(job: Job): string {
  const time = new Date(job.deleted_at!).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return `The server deletes these files at ${time}.`;
}
