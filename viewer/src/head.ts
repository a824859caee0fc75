// A head of a GLB file: its meshes, units, joints and what can be switched on it.
import {
  type AnimationClip,
  Box3,
  type Bone,
  Euler,
  type Group,
  MathUtils,
  Mesh,
  MeshBasicMaterial,
  type Object3D,
  Quaternion,
  SkinnedMesh,
  Vector3,
} from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import type { HeadContent, Identity } from "./content";
import { Shape } from "./identity";
import { type Surface, Surfaces } from "./surfaces";

export const TURNS: Record<string, { title: string; joints: string[]; axis: "x" | "y" | "z"; most: number }> = {
  neckYaw: { title: "neck, to the left", joints: ["neck"], axis: "y", most: 45 },
  neckPitch: { title: "neck, down", joints: ["neck"], axis: "x", most: 30 },
  neckRoll: { title: "neck, to the right shoulder", joints: ["neck"], axis: "z", most: 30 },
  gazeYaw: { title: "gaze, to the left", joints: ["left_eye", "right_eye"], axis: "y", most: 30 },
  gazePitch: { title: "gaze, down", joints: ["left_eye", "right_eye"], axis: "x", most: 20 },
  jaw: { title: "jaw joint, open", joints: ["jaw"], axis: "x", most: 20 },
};

export class Head {
  readonly meshes: Mesh[] = [];
  readonly units: string[];
  readonly photographed: Record<string, number> = {}; // the expression of the photograph
  readonly turns: string[]; // of TURNS, those whose joints are there
  readonly box: Box3;
  clip?: AnimationClip; // the motion of the file, where it has one
  twin?: Head; // does what this one does
  redraw = (): void => {}; // called when a picture has come that it had to wait for
  private surface: Surface = "texture";
  shape?: Shape; // after `identify`, where it can be changed
  private readonly surfaces: Surfaces[];
  private readonly wires: Mesh[] = [];
  private readonly bones = new Map<string, { bone: Object3D; rest: Quaternion }>();
  private readonly angles: Record<string, number> = {};

  constructor(readonly root: Group, readonly model: string, private readonly coefficients: number[]) {
    root.traverse((node) => {
      if (node instanceof Mesh) this.meshes.push(node);
      if ((node as Bone).isBone) this.bones.set(node.name, { bone: node, rest: node.quaternion.clone() });
    });
    for (const mesh of this.meshes) mesh.frustumCulled = false; // a morph may leave the box of the neutral head
    this.surfaces = this.meshes.map((mesh) => new Surfaces(mesh as SkinnedMesh));
    const first = this.meshes.find((mesh) => mesh.morphTargetDictionary);
    this.units = Object.keys(first?.morphTargetDictionary ?? {});
    for (const unit of this.units) this.photographed[unit] = this.unit(unit);
    this.turns = Object.keys(TURNS).filter((turn) => TURNS[turn]!.joints.every((name) => this.bones.has(name)));
    this.box = new Box3().setFromObject(root);
  }

  /** The head of some content, whose identity can be changed where it is a known model's. */
  static async load(content: HeadContent, bytes: ArrayBuffer, identities: Record<string, Identity>): Promise<Head> {
    const { scene, parser, animations } = await new GLTFLoader().parseAsync(bytes, "");
    const { model = "", shape = [] } = parser.json.extras ?? {};
    const head = new Head(scene, String(model), Array.isArray(shape) ? shape.map(Number) : []);
    head.clip = animations[0];
    head.identify(identities[head.model]);
    head.meshes.forEach((mesh, k) => {
      const { part } = mesh.geometry.userData;
      if (part === "hair ends") return; // have a picture of their own, without light
      head.surfaces[k]!.lit = content.lit?.[part === "hair" ? "hair" : "skin"]; // all else is in the skin's picture
    });
    return head;
  }

  /** Let the identity be changed, where the file is one of the model's. */
  private identify(identity: Identity | undefined): void {
    const shape = identity && new Shape(this.meshes, identity, this.coefficients);
    if (shape?.fits) this.shape = shape;
  }

  get skin(): Mesh | undefined {
    return this.meshes.find((mesh) => mesh.geometry.userData.part === "skin") ?? this.meshes[0];
  }

  get hair(): Object3D | undefined {
    return this.root.getObjectByName("hair");
  }

  /** Whether the file says what a surface shows. */
  can(surface: Surface): boolean {
    return this.surfaces[this.meshes.indexOf(this.skin!)]?.can(surface) ?? false;
  }

  unit(name: string): number {
    const mesh = this.meshes.find((one) => one.morphTargetDictionary);
    return mesh?.morphTargetInfluences?.[mesh.morphTargetDictionary![name]!] ?? 0;
  }

  /** What is hidden now, as 255ths in base64 by vertex of the model; for a model that is known. */
  setHidden(packed: string): void {
    this.shape?.paint("_hidden", packed);
    this.show(this.surface);
  }

  /** What is hidden in the photograph again. */
  resetHidden(): void {
    this.shape?.unpaint();
    this.show(this.surface);
  }

  setUnit(name: string, weight: number): void {
    for (const mesh of this.meshes) {
      const index = mesh.morphTargetDictionary?.[name];
      if (index !== undefined) mesh.morphTargetInfluences![index] = weight;
    }
    this.twin?.setUnit(name, weight);
  }

  /** All units: those that are not named go to rest. */
  setUnits(weights: Record<string, number>): void {
    for (const unit of this.units) this.setUnit(unit, weights[unit] ?? 0);
  }

  turn(name: string): number {
    return this.angles[name] ?? 0;
  }

  setTurn(name: string, degrees: number): void {
    this.angles[name] = degrees;
    if (this.twin?.turns.includes(name)) this.twin.setTurn(name, degrees);
    for (const joint of TURNS[name]?.joints ?? []) {
      const { bone, rest } = this.bones.get(joint)!;
      const angle = { x: 0, y: 0, z: 0 };
      for (const [other, { joints, axis }] of Object.entries(TURNS)) {
        if (joints.includes(joint)) angle[axis] += MathUtils.degToRad(this.turn(other));
      }
      bone.quaternion.setFromEuler(new Euler(angle.x, angle.y, angle.z, "YXZ")).multiply(rest);
    }
  }

  show(surface: Surface): void {
    this.surface = surface;
    for (const one of this.surfaces) one.show(surface, () => this.redraw());
    this.twin?.show(surface);
  }

  setWireframe(on: boolean): void {
    if (on && this.wires.length === 0) for (const mesh of this.meshes) {
      if (mesh.geometry.userData.part !== "hair ends") this.wires.push(wire(mesh)); // whose triangles are mostly air
    }
    for (const one of this.wires) one.visible = on;
    this.twin?.setWireframe(on);
  }

  get wrinkled(): boolean {
    return this.surfaces.some((one) => one.wrinkled);
  }

  setWrinkles(on: boolean): void {
    for (const one of this.surfaces) one.setWrinkles(on);
    this.twin?.setWrinkles(on);
  }

  setHair(on: boolean): void {
    if (this.hair) this.hair.visible = on;
    this.twin?.setHair(on);
  }

  /** Where a vertex of the skin is now, with expression and pose; metres. */
  vertex(index: number): Vector3 {
    const mesh = this.skin as SkinnedMesh;
    this.root.updateMatrixWorld(true);
    return mesh.getVertexPosition(index, new Vector3());
  }
}

/** The edges of a mesh as lines that move with it. */
function wire(mesh: Mesh): Mesh {
  const lines = mesh.clone();
  lines.material = new MeshBasicMaterial({ color: "#1f6f68", wireframe: true, transparent: true, opacity: 0.45 });
  lines.morphTargetInfluences = mesh.morphTargetInfluences; // the same list, so that both move
  lines.renderOrder = 1;
  if (mesh instanceof SkinnedMesh) (lines as SkinnedMesh).bind(mesh.skeleton, mesh.bindMatrix);
  mesh.parent!.add(lines);
  return lines;
}
