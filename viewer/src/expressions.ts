// Names for people: groups of ARKit's units, and faces that one knows by name.
import table from "../../src/unveil/heads/expressions.json";

export const NAMED: Record<string, Record<string, number>> = table;

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
