/* The English catalogues: their keys are the keys of every language. */

import type shell from "./shell/en.json";
import type band from "./band/en.json";
import type parts from "./parts/en.json";
import type today from "./today/en.json";
import type clients from "./clients/en.json";
import type organisations from "./organisations/en.json";
import type calls from "./calls/en.json";
import type player from "./player/en.json";
import type tasks from "./tasks/en.json";
import type figures from "./figures/en.json";
import type live from "./live/en.json";
import type statistics from "./statistics/en.json";
import type profile from "./profile/en.json";
import type softphone from "./softphone/en.json";
import type users from "./users/en.json";
import type numbers from "./numbers/en.json";
import type routing from "./routing/en.json";
import type recording from "./recording/en.json";
import type fields from "./fields/en.json";
import type goals from "./goals/en.json";
import type hours from "./hours/en.json";
import type dialling from "./dialling/en.json";
import type keys from "./keys/en.json";
import type webhooks from "./webhooks/en.json";
import type doctor from "./doctor/en.json";
import type audit from "./audit/en.json";
import type wrapup from "./wrapup/en.json";

export interface Catalogues {
  shell: typeof shell;
  band: typeof band;
  parts: typeof parts;
  today: typeof today;
  clients: typeof clients;
  organisations: typeof organisations;
  calls: typeof calls;
  player: typeof player;
  tasks: typeof tasks;
  figures: typeof figures;
  live: typeof live;
  statistics: typeof statistics;
  profile: typeof profile;
  softphone: typeof softphone;
  users: typeof users;
  numbers: typeof numbers;
  routing: typeof routing;
  recording: typeof recording;
  fields: typeof fields;
  goals: typeof goals;
  hours: typeof hours;
  dialling: typeof dialling;
  keys: typeof keys;
  webhooks: typeof webhooks;
  doctor: typeof doctor;
  audit: typeof audit;
  wrapup: typeof wrapup;
}
