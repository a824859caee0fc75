// The picture: a camera that turns around the head, its light, and views by name.
import {
  Box3,
  Color,
  DirectionalLight,
  HemisphereLight,
  MathUtils,
  PerspectiveCamera,
  Scene,
  Spherical,
  SRGBColorSpace,
  Vector3,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { Glide } from "./glide";
import type { Head } from "./head";
import type { PhotographCamera } from "./placement";
import type { Surface } from "./surfaces";

export const VIEWS: Record<string, [yaw: number, pitch: number]> = {
  Front: [0, 0],
  "Three-quarter": [38, 5],
  Profile: [90, 0],
  Back: [180, 0],
};
const FIELD = 22; // degrees up and down: a long lens, so that noses stay small
const MARGIN = 1.1; // around the head
const STEP = 10; // degrees of one press of an arrow key

export class Stage {
  readonly canvas: HTMLCanvasElement;
  readonly scene = new Scene();
  readonly camera = new PerspectiveCamera(FIELD, 1, 0.05, 20);
  readonly controls: OrbitControls;
  head?: Head;
  beside?: Stage; // is lit and drawn with this one, and seen from where this one is
  follows = false; // whether it is beside another one, which says from where it is seen
  private readonly renderer: WebGLRenderer;
  private readonly ambient = new HemisphereLight("#ffffff", "#d9d2cb", 2.2);
  private readonly key = new DirectionalLight("#ffffff", 0.9);
  private waiting = false;
  private photograph?: PhotographCamera; // where the head is drawn over its photograph
  private framed: string | [number, number] = "Front";
  private touched = false; // whether a person has turned the head since
  private readonly glide = new Glide(400);

  constructor(parent: HTMLElement) {
    this.renderer = new WebGLRenderer({ antialias: true, alpha: true });
    this.renderer.outputColorSpace = SRGBColorSpace;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.canvas = this.renderer.domElement;
    parent.append(this.canvas);
    this.key.position.set(0.5, 0.8, 1);
    this.camera.add(this.key); // light comes along, so that no side is dark
    this.scene.add(this.camera, this.ambient);
    this.controls = new OrbitControls(this.camera, this.canvas);
    this.controls.enablePan = false;
    this.controls.addEventListener("change", () => this.draw());
    this.controls.addEventListener("start", () => {
      this.glide.stop();
      this.touched = true;
    });
    this.canvas.addEventListener("keydown", (event) => this.onKey(event));
    new ResizeObserver(() => this.resize(parent.clientWidth, parent.clientHeight)).observe(parent);
  }

  setHead(head: Head): void {
    if (this.head) this.scene.remove(this.head.root);
    this.head = head;
    head.redraw = () => this.draw();
    this.scene.add(head.root);
    this.light("texture");
    this.look("Front");
  }

  /** Turn to a view by its name, or to angles in degrees: to the subject's left, and from above. */
  look(view: string | [number, number]): void {
    this.over(undefined);
    this.aim(view);
  }

  /** Turn to a view by its name, the shorter way around. */
  turn(view: string): void {
    const from = this.angles();
    this.look(view);
    const to = this.angles();
    const around = MathUtils.euclideanModulo(to.theta - from.theta + Math.PI, 2 * Math.PI) - Math.PI;
    this.glide.go((share) => {
      const between = (a: number, b: number) => a + share * (b - a);
      this.place(new Spherical(
        between(from.radius, to.radius), between(from.phi, to.phi), to.theta - (1 - share) * around,
      ));
    });
  }

  /** See the head from where another stage sees its own. */
  seeFrom(other: Stage): void {
    this.camera.position.copy(other.camera.position);
    const { target, minDistance, maxDistance } = other.controls;
    this.controls.target.copy(target);
    Object.assign(this.controls, { minDistance, maxDistance });
    this.controls.update();
    this.draw();
  }

  get isOver(): boolean {
    return this.photograph !== undefined;
  }

  /** Draw the head with the camera of its photograph, or again with the one that turns around it. */
  over(photograph: PhotographCamera | undefined): void {
    if (photograph === this.photograph) return;
    if (this.photograph) this.scene.remove(this.photograph);
    this.photograph = photograph;
    this.controls.enabled = !photograph;
    (photograph ?? this.camera).add(this.key);
    if (photograph) {
      photograph.fit(this.camera.aspect);
      this.scene.add(photograph);
      this.aim(photograph.side); // where it is seen from when it leaves the photograph
    }
    this.canvas.dispatchEvent(new CustomEvent("over"));
    this.draw();
  }

  private aim(view: string | [number, number]): void {
    this.glide.stop();
    this.framed = view;
    this.touched = false;
    const [yaw, pitch] = typeof view === "string" ? VIEWS[view]! : view;
    const { centre, distance } = this.framing();
    this.controls.target.copy(centre);
    this.controls.minDistance = distance / 4;
    this.controls.maxDistance = distance * 2;
    this.place(new Spherical(distance, (Math.PI / 180) * (90 - pitch), (Math.PI / 180) * yaw));
  }

  /** What is plain needs a strong lamp to show its form; under a texture, which may have light in it, it is weaker. */
  light(surface: Surface): void {
    const plain = surface !== "texture";
    this.ambient.intensity = plain ? 1.1 : 1.8;
    this.key.intensity = plain ? 2.2 : 1.35;
    this.beside?.light(surface);
    this.draw();
  }

  /** Draw before the next frame, once however often it is asked for. */
  draw(): void {
    this.beside?.draw();
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.render();
    });
  }

  /** A picture of this size as a PNG in a data address. */
  picture(width: number, height: number, background = ""): string {
    return this.drawn(width, height, background, (canvas) => canvas.toDataURL("image/png"));
  }

  /** What is made of a picture of this size, before it is drawn over. */
  drawn<Made>(width: number, height: number, background: string, make: (canvas: HTMLCanvasElement) => Made): Made {
    const { width: oldWidth, height: oldHeight } = this.canvas;
    const ratio = this.renderer.getPixelRatio();
    this.paper(background);
    this.renderer.setPixelRatio(1);
    this.resize(width, height);
    this.render();
    const made = make(this.canvas);
    this.paper("");
    this.renderer.setPixelRatio(ratio);
    this.resize(oldWidth / ratio, oldHeight / ratio);
    return made;
  }

  /** What is behind the head, "" for nothing. */
  paper(colour: string): void {
    this.scene.background = colour ? new Color(colour) : null;
    this.draw();
  }

  /** Where the camera is, for people who cannot see it. */
  describe(): string {
    if (this.isOver) return "over the photograph";
    const yaw = (this.angles().theta * 180) / Math.PI;
    const [name] = Object.entries(VIEWS).reduce((best, view) => {
      return Math.abs(Math.abs(yaw) - view[1][0]) < Math.abs(Math.abs(yaw) - best[1][0]) ? view : best;
    });
    const side = Math.abs(yaw) < 5 || Math.abs(yaw) > 175 ? "" : yaw > 0 ? ", left side" : ", right side";
    return `${name.toLowerCase()} view${side}`;
  }

  /** The camera that draws. */
  get eye(): PhotographCamera | PerspectiveCamera {
    return this.photograph ?? this.camera;
  }

  private render(): void {
    this.renderer.render(this.scene, this.eye);
  }

  private resize(width: number, height: number): void {
    if (width <= 0 || height <= 0) return;
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    this.photograph?.fit(width / height);
    if (this.head && !this.touched && !this.follows) this.aim(this.framed);
    this.draw();
  }

  private framing(): { centre: Vector3; distance: number } {
    const box = this.head?.box.clone() ?? new Box3(new Vector3(-0.1, -0.1, -0.1), new Vector3(0.1, 0.1, 0.1));
    if (this.beside?.head) box.union(this.beside.head.box); // heads of other models have other sizes
    const size = box.getSize(new Vector3());
    const turned = Math.hypot(size.x, size.z) * 0.9; // at its widest while it turns
    const half = Math.max(size.y, turned / this.camera.aspect) * 0.5 * MARGIN;
    const distance = half / Math.tan(((FIELD / 2) * Math.PI) / 180) + size.z / 4;
    return { centre: box.getCenter(new Vector3()), distance };
  }

  private angles(): Spherical {
    return new Spherical().setFromVector3(this.camera.position.clone().sub(this.controls.target));
  }

  private place(where: Spherical): void {
    where.makeSafe();
    this.camera.position.setFromSpherical(where).add(this.controls.target);
    this.controls.update();
    this.draw();
  }

  private onKey(event: KeyboardEvent): void {
    const where = this.angles();
    const turn = (STEP * Math.PI) / 180;
    const keys: Record<string, () => void> = {
      ArrowLeft: () => (where.theta -= turn),
      ArrowRight: () => (where.theta += turn),
      ArrowUp: () => (where.phi = Math.max(0.2, where.phi - turn)),
      ArrowDown: () => (where.phi = Math.min(Math.PI - 0.2, where.phi + turn)),
      "+": () => (where.radius = Math.max(this.controls.minDistance, where.radius * 0.9)),
      "-": () => (where.radius = Math.min(this.controls.maxDistance, where.radius * 1.1)),
    };
    if (event.key === "Home") this.look("Front");
    else if (keys[event.key]) {
      this.glide.stop();
      keys[event.key]!();
      this.over(undefined);
      this.touched = true;
      this.place(where);
    } else return;
    event.preventDefault();
    this.canvas.dispatchEvent(new CustomEvent("turned"));
  }
}
