/* The field of the request for help, loaded with it. */

export { TextInput as default } from "@mantine/core";
