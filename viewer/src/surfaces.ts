// What a head looks like: its texture in the light of the page, of the photograph or in none, plain grey, how sure each
// vertex is, what was hidden, or how far from another head it is.
import {
  BufferAttribute,
  Color,
  type BufferGeometry,
  type Material,
  MeshBasicMaterial,
  MeshStandardMaterial,
  type SkinnedMesh,
  SRGBColorSpace,
  TextureLoader,
  type Vector2,
} from "three";

export type Surface = "texture" | "lit" | "albedo" | "grey" | "sure" | "hidden" | "apart";

export const MOST_MM = 8; // at the end of the scale, as in the overlay pictures of unveil
export const MOST_APART_MM = 4;
// Cividis, even in lightness, so that it reads alike without colour vision (Nunez, Anderton and Renslow 2018).
export const SCALE = [
  "#00224e", "#1a386f", "#434e6c", "#61656f", "#7d7c78", "#9a9376", "#bbad6d", "#ddc858", "#fee838",
];
const SEEN = "#cfcac4";
const HIDDEN = "#b4450f";
const GREY = "#bdb9b4";
const NEEDS: Partial<Record<Surface, string>> = { sure: "_uncertainty", hidden: "_hidden", apart: "_apart" };

const scale = SCALE.map((text) => new Color(text));
const [seen, hidden] = [new Color(SEEN), new Color(HIDDEN)];

/** The materials of one mesh, made when first wanted. */
export class Surfaces {
  lit?: string; // address of its texture in the light of the photograph
  private readonly made = new Map<Surface, Material>();
  private readonly own: MeshStandardMaterial;
  private readonly colours: BufferAttribute | undefined; // of a file's vertices
  private readonly depth: Vector2; // of the wrinkles

  constructor(private readonly mesh: SkinnedMesh) {
    this.own = mesh.material as MeshStandardMaterial;
    this.made.set("texture", this.own);
    this.colours = mesh.geometry.getAttribute("color") as BufferAttribute | undefined;
    this.depth = this.own.normalScale?.clone();
  }

  /** Whether the mesh says what a surface shows. */
  can(surface: Surface): boolean {
    if (surface === "lit") return this.lit !== undefined;
    const name = NEEDS[surface];
    return name === undefined || this.mesh.geometry.hasAttribute(name);
  }

  get wrinkled(): boolean {
    return Boolean(this.own.normalMap);
  }

  setWrinkles(on: boolean): void {
    if (this.wrinkled) this.own.normalScale.copy(this.depth).multiplyScalar(on ? 1 : 0);
  }

  /** `loaded` is called when a picture has come that it had to wait for. */
  show(surface: Surface, loaded: () => void): void {
    // Of loose ends of hair, what is opaque is in their own picture alone.
    if (this.own.transparent) this.mesh.visible = ["texture", "albedo", "lit"].includes(surface);
    if (!this.can(surface)) surface = surface === "lit" ? "albedo" : "grey";
    if (!this.made.has(surface)) this.made.set(surface, this.make(surface, loaded));
    if (surface === "sure") colour(this.mesh.geometry, "_uncertainty", scaled(MOST_MM));
    else if (surface === "apart") colour(this.mesh.geometry, "_apart", scaled(MOST_APART_MM));
    else if (surface === "hidden") colour(this.mesh.geometry, "_hidden", unseen);
    else if (this.colours) this.mesh.geometry.setAttribute("color", this.colours);
    this.mesh.material = this.made.get(surface)!;
  }

  private make(surface: Surface, loaded: () => void): Material {
    const { side, map, vertexColors, transparent, depthWrite } = this.own;
    if (surface === "albedo") return new MeshBasicMaterial({ map, vertexColors, side, transparent, depthWrite });
    if (surface === "lit") {
      const picture = new TextureLoader().load(this.lit!, loaded);
      picture.flipY = false; // as in glTF
      picture.colorSpace = SRGBColorSpace;
      return new MeshBasicMaterial({ map: picture, side });
    }
    if (surface === "grey") {
      const grey = new MeshStandardMaterial({ color: GREY, roughness: 0.75, side, normalMap: this.own.normalMap });
      if (this.wrinkled) grey.normalScale = this.own.normalScale; // the same, so that both change
      return grey;
    }
    // Unlit, where a colour is a number: shading would change what is read from it.
    if (surface === "sure" || surface === "apart") return new MeshBasicMaterial({ vertexColors: true, side });
    return new MeshStandardMaterial({ vertexColors: true, roughness: 0.85, side });
  }
}

function colour(geometry: BufferGeometry, name: string, paint: (value: number, into: Color) => void): void {
  const values = geometry.getAttribute(name);
  const colours = new Float32Array(values.count * 3);
  const one = new Color();
  for (let k = 0; k < values.count; k++) {
    paint(values.getX(k), one);
    one.toArray(colours, k * 3);
  }
  geometry.setAttribute("color", new BufferAttribute(colours, 3));
}

function scaled(most: number): (millimetres: number, into: Color) => void {
  return (millimetres, into) => {
    const place = Math.min(Math.max(millimetres / most, 0), 1) * (scale.length - 1);
    const k = Math.min(Math.floor(place), scale.length - 2);
    into.lerpColors(scale[k]!, scale[k + 1]!, place - k);
  };
}

function unseen(probability: number, into: Color): void {
  into.lerpColors(seen, hidden, Math.min(Math.max(probability, 0), 1));
}

/** A colour as CSS has it. */
export const HIDDEN_CSS = `#${hidden.getHexString(SRGBColorSpace)}`;
export const SEEN_CSS = `#${seen.getHexString(SRGBColorSpace)}`;
