export { Avatar } from "./Avatar";
export { Failed } from "./Failed";
export { Icon, type IconName } from "./Icon";
export { Key, KeyOf } from "./Key";
export { Notice } from "./Notice";
export { PageHeader } from "./PageHeader";
export { useToast } from "./Toast";
