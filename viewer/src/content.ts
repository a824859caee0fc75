// What Python puts into the page: src/unveil/web/page.py writes it, and nothing else is fetched for `unveil view`.

export interface Facts {
  doubtful?: boolean;
  pose_degrees?: { pitch: number; yaw: number; roll: number };
  hidden_share?: number | null;
  occluded_share?: number | null;
  uncertainty_mm?: { face: number | null; seen: number | null; hidden: number | null };
  head_to_image?: number[][] | null; // [3, 4] the upright head in metres to pixels of the photograph
  image_to_overlay?: number[][] | null; // [2, 3] on to pixels of a picture around the head, 480 a side
  image?: { width: number; height: number } | null; // of the photograph
}

export interface HeadContent {
  name: string;
  glb: string; // address of the file, or the file itself, packed, in a data address
  facts: Facts;
  picture: string | null; // address of the photograph around the head
  files: Record<string, string>; // address by kind of file
  lit?: Record<string, string>; // addresses of the textures of skin and hair in the light of the photograph
}

/** Where a model's first shape components move the vertices of its GLB files. */
export interface Identity {
  parts: Record<string, string>; // by name: base64 uint16, the model's vertex of each vertex of the part in a file
  vertices: number; // of the model
  joints: string[];
  steps: number[]; // [1 + components] metres that one of `data` means
  data: string; // base64 int16 [1 + components, vertices and joints, 3]; the first is the mean head
}

export interface Content {
  mode: "view" | "serve";
  heads: HeadContent[];
  beside?: boolean; // the second head is shown beside the first
  identity?: Record<string, Identity>; // by name of the head model
  token?: boolean; // the server asks for one
  minutes?: number; // after which the server deletes results
  hand?: string; // address of a picture of a white hand, to be put before faces
}

export function readContent(): Content {
  return JSON.parse(document.getElementById("content")!.textContent!) as Content;
}

export async function bytesOf(address: string): Promise<ArrayBuffer> {
  const answer = await fetch(address);
  if (answer.status === 404) throw new Error("The server has deleted this head.");
  if (!answer.ok) throw new Error(`The file could not be loaded (${answer.status}).`);
  if (!address.startsWith("data:application/gzip")) return answer.arrayBuffer();
  return new Response(answer.body!.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}
