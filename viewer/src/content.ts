// What Python puts into the page: src/unveil/web/page.py writes it, and nothing else is fetched for `unveil view`.

export interface Facts {
  doubtful?: boolean;
  pose_degrees?: { pitch: number; yaw: number; roll: number };
  hidden_share?: number | null;
  uncertainty_mm?: { face: number | null; seen: number | null; hidden: number | null };
}

export interface HeadContent {
  name: string;
  glb: string; // base64, or an address
  facts: Facts;
  picture: string | null; // address of the photograph around the head
  files: Record<string, string>; // address by kind of file
}

export interface Identity {
  // Where the model's first components move the vertices of its GLB files; metres.
  parts: Record<string, number>; // vertices by name of the part, in the order of `data`
  joints: number;
  deviations: number; // components
  data: string; // base64: int16 [1 + components, vertices + joints, 3] in units of `steps`; the first is the mean head
  steps: number[]; // [1 + components] metres
}

export interface Content {
  mode: "view" | "serve";
  heads: HeadContent[];
  identity?: Record<string, Identity>; // by name of the head model
  token?: boolean; // the server asks for one
  minutes?: number; // after which the server deletes results
}

export function readContent(): Content {
  return JSON.parse(document.getElementById("content")!.textContent!) as Content;
}

export async function bytesOf(source: string): Promise<ArrayBuffer> {
  if (/^(https?:|blob:|data:|\/)/.test(source) && !source.startsWith("//")) {
    const answer = await fetch(source);
    if (!answer.ok) throw new Error(`The file could not be loaded (${answer.status}).`);
    return answer.arrayBuffer();
  }
  return Uint8Array.from(atob(source), (letter) => letter.charCodeAt(0)).buffer;
}
