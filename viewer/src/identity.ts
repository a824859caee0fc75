// Who a head is: more or less of the first shape components, and how far from the mean head.
import { BufferAttribute, type Bone, type Mesh, type SkinnedMesh, Vector3 } from "three";
import type { Identity } from "./content";

export const MOST_DEVIATIONS = 3; // of a component to either side: 99.7 % of people
export const MOST_STRENGTH = 1.5;

interface Part {
  mesh: Mesh;
  vertices: Uint16Array; // of the model, by vertex of the file
  original: Float32Array;
  normals: Float32Array;
}

export class Shape {
  readonly measured: number[]; // coefficients of the file
  readonly values: number[];
  strength = 1;
  private readonly parts: Part[] = [];
  private readonly components: Float32Array[]; // [1 + N] of [vertices and joints, 3]
  private readonly hair: { mesh: Mesh; original: Float32Array; nearest: Uint16Array }[] = [];
  private readonly joints: Vector3[] = []; // of the file
  private readonly unpainted = new Map<BufferAttribute, Float32Array>(); // the file's own numbers

  constructor(meshes: readonly Mesh[], private readonly identity: Identity, shape: number[]) {
    const whole = new Int16Array(bytes(identity.data));
    const size = whole.length / identity.steps.length;
    this.components = identity.steps.map((step, k) => {
      return Float32Array.from(whole.subarray(k * size, (k + 1) * size), (value) => value * step);
    });
    this.measured = identity.steps.slice(1).map((_, k) => shape[k] ?? 0);
    this.values = [...this.measured];
    const others: Mesh[] = [];
    for (const mesh of meshes) {
      const packed = identity.parts[mesh.geometry.userData.part as string];
      const vertices = packed === undefined ? undefined : new Uint16Array(bytes(packed));
      const original = array(mesh, "position").slice();
      if (vertices?.length !== original.length / 3) others.push(mesh);
      else this.parts.push({ mesh, vertices, original, normals: array(mesh, "normal").slice() });
    }
    for (const mesh of others) this.follow(mesh);
    const skeleton = this.skeleton;
    for (const name of identity.joints) {
      const number = skeleton?.bones.findIndex((bone) => bone.name === name) ?? -1;
      const inverse = skeleton?.boneInverses[number];
      if (inverse) this.joints.push(new Vector3().setFromMatrixPosition(inverse.clone().invert()));
    }
  }

  /** Whether a file has the parts that the model has. */
  get fits(): boolean {
    return this.parts.length > 0 && this.joints.length === this.identity.joints.length;
  }

  /** Give the vertices other numbers from 0 to 1, of 255ths in base64. */
  paint(name: string, packed: string): void {
    const values = new Uint8Array(bytes(packed));
    if (values.length !== this.identity.vertices) return; // of another model
    for (const { mesh, vertices } of this.parts) {
      const attribute = mesh.geometry.getAttribute(name) as BufferAttribute | undefined;
      if (!attribute) continue;
      if (!this.unpainted.has(attribute)) {
        this.unpainted.set(attribute, Float32Array.from(vertices, (_, k) => attribute.getX(k)));
      }
      vertices.forEach((vertex, k) => attribute.setX(k, values[vertex]! / 255));
    }
  }

  /** Give them the file's own numbers again. */
  unpaint(): void {
    for (const [attribute, values] of this.unpainted) values.forEach((value, k) => attribute.setX(k, value));
  }

  reset(): void {
    this.values.splice(0, this.values.length, ...this.measured);
    this.strength = 1;
    this.apply();
  }

  /** Move all vertices and joints to where the values want them. */
  apply(): void {
    const shifts = this.values.map((value, k) => value - this.measured[k]!);
    const mean = this.components[0]!;
    const moved = (original: number, place: number): number => {
      let sum = original + (this.strength - 1) * (original - mean[place]!);
      for (let k = 0; k < shifts.length; k++) if (shifts[k]) sum += shifts[k]! * this.components[k + 1]![place]!;
      return sum;
    };
    const positions = new Float32Array(this.identity.vertices * 3);
    for (const { mesh, vertices, original } of this.parts) {
      const target = array(mesh, "position");
      for (let k = 0; k < original.length; k++) {
        const place = vertices[Math.floor(k / 3)]! * 3 + (k % 3);
        target[k] = positions[place] = moved(original[k]!, place);
      }
      mesh.geometry.getAttribute("position").needsUpdate = true;
    }
    this.shade(positions);
    this.place(moved);
    for (const { mesh, original, nearest } of this.hair) {
      const skin = this.parts[0]!;
      const [now, target] = [array(skin.mesh, "position"), array(mesh, "position")];
      for (let k = 0; k < original.length; k++) {
        const place = nearest[Math.floor(k / 3)]! * 3 + (k % 3);
        target[k] = original[k]! + now[place]! - skin.original[place]!;
      }
      mesh.geometry.getAttribute("position").needsUpdate = true;
    }
  }

  private get skeleton() {
    return (this.parts[0]?.mesh as SkinnedMesh | undefined)?.skeleton;
  }

  /** Hair, which the model does not know, goes with the nearest vertex of the skin. */
  private follow(mesh: Mesh): void {
    const skin = this.parts[0]?.original;
    if (!skin) return;
    const original = array(mesh, "position").slice();
    const nearest = new Uint16Array(original.length / 3);
    for (let k = 0; k < nearest.length; k++) {
      let least = Infinity;
      for (let j = 0; j < skin.length; j += 3) {
        const [x, y, z] = [0, 1, 2].map((axis) => skin[j + axis]! - original[3 * k + axis]!) as [number, number, number];
        const distance = x * x + y * y + z * z;
        if (distance < least) [least, nearest[k]] = [distance, j / 3];
      }
    }
    this.hair.push({ mesh, original, nearest });
  }

  /** Normals of the changed surface; where nothing has changed those of the file. */
  private shade(positions: Float32Array): void {
    const same = this.strength === 1 && this.values.every((value, k) => value === this.measured[k]);
    const sums = new Float32Array(positions.length);
    for (const { mesh, vertices } of same ? [] : this.parts) addNormals(mesh, vertices, positions, sums);
    const normal = new Vector3();
    for (const { mesh, vertices, normals } of this.parts) {
      const target = mesh.geometry.getAttribute("normal") as BufferAttribute;
      vertices.forEach((vertex, k) => {
        if (same) normal.fromArray(normals, 3 * k);
        else normal.fromArray(sums, 3 * vertex).normalize();
        target.setXYZ(k, normal.x, normal.y, normal.z);
      });
      target.needsUpdate = true;
    }
  }

  private place(moved: (original: number, place: number) => number): void {
    const skeleton = this.skeleton!;
    const first = this.identity.vertices * 3;
    const now = this.joints.map((joint, j) => {
      return new Vector3(...joint.toArray().map((value, axis) => moved(value, first + 3 * j + axis)));
    });
    this.identity.joints.forEach((name, j) => {
      const number = skeleton.bones.findIndex((bone) => bone.name === name);
      const bone = skeleton.bones[number]!;
      const parent = this.identity.joints.indexOf((bone.parent as Bone).name);
      skeleton.boneInverses[number]!.makeTranslation(now[j]!.clone().negate());
      bone.position.copy(now[j]!).sub(now[parent] ?? new Vector3());
    });
  }
}

/** Add the normals of a mesh's triangles, weighted by area, to those of the model's vertices. */
function addNormals(mesh: Mesh, vertices: Uint16Array, positions: Float32Array, sums: Float32Array): void {
  const index = mesh.geometry.getIndex()!;
  const [a, b, c] = [new Vector3(), new Vector3(), new Vector3()];
  for (let k = 0; k < index.count; k += 3) {
    const corners = [0, 1, 2].map((corner) => vertices[index.getX(k + corner)]! * 3);
    [a, b, c].forEach((point, corner) => point.fromArray(positions, corners[corner]!));
    b.sub(a).cross(c.sub(a));
    for (const corner of corners) {
      sums[corner]! += b.x;
      sums[corner + 1]! += b.y;
      sums[corner + 2]! += b.z;
    }
  }
}

function array(mesh: Mesh, name: string): Float32Array {
  return (mesh.geometry.getAttribute(name) as BufferAttribute).array as Float32Array;
}

function bytes(packed: string): ArrayBuffer {
  return Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0)).buffer;
}
