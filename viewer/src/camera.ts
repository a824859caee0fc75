// A photograph from the webcam.
import { button, element } from "./dom";

/** Show the camera's picture in a dialog; the photograph that was taken, or null. */
export async function photographed(): Promise<Blob | null> {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } } }).catch(() => {
    throw new Error("The camera cannot be used. Allow it for this page, or choose a file.");
  });
  const video = element("video", { autoplay: true, playsinline: true, muted: true, "aria-label": "Camera" });
  video.srcObject = stream;
  const dialog = element("dialog", { "aria-label": "Take a photograph" }, video);
  document.body.append(dialog);
  try {
    return await new Promise((resolve) => {
      const take = button("Take the photograph", () => void pictureOf(video).then(resolve), { class: "primary" });
      dialog.append(element("div", { class: "buttons" }, take, button("Cancel", () => resolve(null))));
      dialog.addEventListener("cancel", () => resolve(null));
      dialog.showModal();
    });
  } finally {
    for (const track of stream.getTracks()) track.stop();
    dialog.close(); // gives the focus back
    dialog.remove();
  }
}

function pictureOf(video: HTMLVideoElement): Promise<Blob | null> {
  const canvas = element("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d")!.drawImage(video, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
}
