/* A new route: what it is called and for which number. It begins with the client's own manager. */

import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import { asProblem } from "../../api";
import { Panel } from "../../parts";
import { useWords } from "../../words";
import { useMakeRoute, type Route } from "./queries";
import styles from "./index.module.css";

export function NewRoute({ did: asked, name: known, open }: { did: string; name: string; open: (route: Route) => void }) {
  const t = useWords("routing");
  const [name, setName] = useState(known);
  const [did, setDid] = useState(asked);
  const make = useMakeRoute(open);
  const problem = asProblem(make.error);
  const isReady = name.trim() !== "";
  return (
    <Panel title={t("new")} isPadded>
      <form
        className={styles.fields}
        onSubmit={(event) => {
          event.preventDefault();
          const steps = [
            { kind: "owner" as const, whose: "owner_or_last" as const, seconds: 15 },
            { kind: "site" as const },
          ];
          if (isReady) make.run({ name: name.trim(), did: did.trim() || null, steps });
        }}
      >
        <p className={styles.quiet}>{t("unrouted")}</p>
        <TextInput label={t("name")} maxLength={120} value={name} error={problem?.field("name")} onChange={(event) => setName(event.currentTarget.value)} />
        <TextInput label={t("did")} description={t("did.how")} maxLength={64} value={did} error={problem?.field("did")} onChange={(event) => setDid(event.currentTarget.value)} />
        {problem?.errors.length === 0 && (
          <p role="alert" className={styles.fault}>
            {problem.detail}
          </p>
        )}
        <div>
          <Button type="submit" loading={make.isPending} disabled={!isReady}>
            {t("make")}
          </Button>
        </div>
      </form>
    </Panel>
  );
}
