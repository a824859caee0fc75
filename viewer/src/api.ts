// The server's API, as far as the page uses it.
import type { Facts, HeadContent } from "./content";
import type { Photograph } from "./gallery";
import type { Points } from "./occluders";

interface Face extends Facts {
  box_ltrb: [number, number, number, number];
  landmarks2d: Points;
  files: Record<string, string>;
}

export interface Job {
  id: string;
  status: "waiting" | "working" | "done" | "failed";
  stage: string;
  ahead: number;
  links: { self: string; events: string; photograph?: string };
  deleted_at?: string;
  image?: { width: number; height: number };
  faces?: Face[];
  error?: { status: number; detail: string };
}

/** Send a photograph; an Error says what is wrong in words for the person who sent it. */
export async function send(photo: Blob, name: string, token: string, wrinkles: boolean): Promise<Job> {
  const body = new FormData();
  body.append("photo", photo, name);
  return (await post(`/api/jobs?wrinkles=${wrinkles}`, body, token)) as Job;
}

/** What the server answers to a body; an Error as that of `send`. */
export async function post(address: string, body: BodyInit, token: string, type?: string): Promise<unknown> {
  const headers: HeadersInit = { ...(type && { "Content-Type": type }), ...(token && { Authorization: `Bearer ${token}` }) };
  const answer = await fetch(address, { method: "POST", body, headers }).catch(() => {
    throw new Error("The server does not answer. Is it still running?");
  });
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  // What it says of that is for programs.
  if (answer.status === 401) throw new Error("The token is missing or wrong. Enter the one that the server was started with.");
  const wait = answer.headers.get("Retry-After");
  throw new Error(sentence(said.detail ?? `status ${answer.status}`) + (wait ? ` (In about ${wait} seconds.)` : ""));
}

/** Follow a job to its end. */
export function follow(job: Job, tell: (job: Job) => void): Promise<Job> {
  return new Promise((resolve, reject) => {
    const events = new EventSource(job.links.events);
    events.onmessage = (event) => {
      const now = JSON.parse(event.data) as Job;
      tell(now);
      if (now.status !== "done" && now.status !== "failed") return;
      events.close();
      if (now.status === "done") resolve(now);
      else reject(new Error(sentence(now.error?.detail ?? "it failed")));
    };
    events.onerror = () => {
      if (events.readyState !== EventSource.CLOSED) return; // it tries again by itself
      reject(new Error("The server has ended or has forgotten this photograph."));
    };
  });
}

/** What the viewer shows of a job that is done. */
export function headsOf(job: Job, name: string): HeadContent[] {
  return job.faces!.map((face, k) => {
    const { picture = null, ...files } = face.files;
    const lit = { skin: files.texture!, ...(files.hair_texture && { hair: files.hair_texture }) };
    const called = job.faces!.length > 1 ? `${name} ${k + 1}` : name;
    return { name: called, glb: files.glb!, facts: { ...face, image: job.image }, picture, files, ...(files.texture && { lit }) };
  });
}

/** Of the heads of a job that whose face is nearest to a face of another job of the same picture. */
export function nearest(job: Job, to: Job, face: number): number {
  const middle = (of: Job, k: number) => {
    const [left, top, right, bottom] = of.faces![k]!.box_ltrb;
    return [(left + right) / 2 / of.image!.width, (top + bottom) / 2 / of.image!.height] as const;
  };
  const [x, y] = middle(to, face);
  const distances = job.faces!.map((_, k) => Math.hypot(middle(job, k)[0] - x, middle(job, k)[1] - y));
  return distances.indexOf(Math.min(...distances));
}

export function photographOf(job: Job): Photograph {
  const { width, height } = job.image!;
  const boxes = job.faces!.map(({ box_ltrb: [left, top, right, bottom] }) => {
    return { left: left / width, top: top / height, width: (right - left) / width, height: (bottom - top) / height };
  });
  return { address: job.links.photograph!, boxes };
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}
