// Names for people: groups of ARKit's units, and faces that one knows by name.

export const NAMED: Record<string, Record<string, number>> = {
  Neutral: {},
  Smile: both({ mouthSmile: 0.8, cheekSquint: 0.4 }),
  Laugh: { jawOpen: 0.45, ...both({ mouthSmile: 0.9, cheekSquint: 0.6, mouthUpperUp: 0.35, eyeSquint: 0.3 }) },
  "Open mouth": { jawOpen: 0.7 },
  Surprise: { jawOpen: 0.4, browInnerUp: 0.8, ...both({ browOuterUp: 0.8, eyeWide: 0.7 }) },
  Sad: { browInnerUp: 0.7, mouthShrugLower: 0.3, ...both({ mouthFrown: 0.6 }) },
  Angry: both({ browDown: 0.9, eyeSquint: 0.4, mouthPress: 0.5, noseSneer: 0.4 }),
  Disgust: both({ noseSneer: 0.8, mouthUpperUp: 0.5, browDown: 0.4 }),
  Kiss: { mouthPucker: 0.9 },
  Blink: both({ eyeBlink: 1 }),
  Wink: { eyeBlinkLeft: 1, cheekSquintLeft: 0.5, mouthSmileLeft: 0.4 },
  "Tongue out": { jawOpen: 0.45, tongueOut: 1 },
};

const GROUPS = ["brow", "eye", "cheek", "nose", "jaw", "mouth", "tongue"];
const TITLES: Record<string, string> = {
  brow: "Brows",
  eye: "Eyes",
  cheek: "Cheeks",
  nose: "Nose",
  jaw: "Jaw",
  mouth: "Mouth",
  tongue: "Tongue",
};

function both(units: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(units).flatMap(([name, weight]) => [`${name}Left`, `${name}Right`].map((side) => [side, weight])),
  );
}

/** Whether the units have ARKit's names; those of a statistical basis have none. */
export function areNamed(units: readonly string[]): boolean {
  return units.includes("jawOpen");
}

/** The units under titles, in the order of the face from above. */
export function grouped(units: readonly string[]): [string, string[]][] {
  if (!areNamed(units)) return [["Components", [...units]]];
  const groups = GROUPS.map((group): [string, string[]] => [TITLES[group]!, units.filter((u) => u.startsWith(group))]);
  const rest = units.filter((unit) => !GROUPS.some((group) => unit.startsWith(group)));
  return [...groups, ["Other", rest] as [string, string[]]].filter(([, names]) => names.length > 0);
}

/** "mouthSmileLeft" -> "mouth smile left". */
export function spoken(unit: string): string {
  return unit.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}
