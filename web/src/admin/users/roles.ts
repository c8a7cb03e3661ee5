export const ROLES = ["manager", "supervisor", "admin"] as const;
export type Role = (typeof ROLES)[number];
