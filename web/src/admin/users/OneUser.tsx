/* One person: his name, role, teams, extensions and phones; whether he may sign in. */

import { Button, MultiSelect, Select, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import { asProblem } from "../../api";
import { useSession } from "../../app/session";
import { useClienteles } from "../../handover/queries";
import { useFormats } from "../../formats";
import { Icon, Shown, SidePanel, Tag, useMinute } from "../../parts";
import { useWords } from "../../words";
import { Extensions } from "./Extensions";
import { isIn, joined, left } from "./membership";
import { Once } from "./Once";
import { newPassword } from "./passwords";
import { useChangeTeam, useChangeUser, useSetPassword, useTeams, type User } from "./queries";
import { ROLES } from "./roles";
import styles from "./index.module.css";

export default function OneUser({ user, pbxs, close }: { user: User; pbxs: readonly string[]; close: () => void }) {
  return (
    <SidePanel label={user.name} onClose={close}>
      <About key={`${user.id} ${user.version}`} user={user} />
      <Teams user={user} />
      <Extensions user={user} pbxs={pbxs} />
    </SidePanel>
  );
}

function About({ user }: { user: User }) {
  const t = useWords("users");
  const me = useSession().userId;
  const change = useChangeUser();
  const navigate = useNavigate();
  const clients = useClienteles().data?.items.find((one) => one.user === user.id)?.cards ?? 0;
  const [name, setName] = useState(user.name);
  const problem = asProblem(change.error);
  const tried = change.variables?.input.change;
  const refused = (field: "name" | "role" | "active") =>
    problem && tried && field in tried && !problem.isPassing ? (problem.field(field) ?? problem.errors[0]?.detail ?? problem.detail) : null;
  const [password, setPassword] = useState<string | null>(null);
  const secret = useSetPassword(setPassword);
  const rename = () => {
    const wanted = name.trim();
    if (wanted && wanted !== user.name) change.run({ user, change: { name: wanted }, before: { name: user.name }, said: t("saved") });
  };
  return (
    <section className={styles.part}>
      <p className={styles.line}>
        <span className={styles.quiet}>{user.login}</span>
        {!user.active && <Tag tone="miss">{t("blocked")}</Tag>}
        {!user.has_password && <Tag>{t("password.none")}</Tag>}
      </p>
      <TextInput label={t("name")} value={name} maxLength={120} error={refused("name")} onChange={(event) => setName(event.currentTarget.value)} onBlur={rename} />
      <Select
        label={t("role")}
        allowDeselect={false}
        disabled={user.id === me}
        error={refused("role")}
        value={user.role}
        data={ROLES.map((value) => ({ value, label: t(`role.${value}`) }))}
        onChange={(value) => {
          const role = ROLES.find((some) => some === value);
          if (role && role !== user.role) change.run({ user, change: { role }, before: { role: user.role }, said: t("saved") });
        }}
      />
      <Switch
        label={t("active")}
        description={t("active.how")}
        checked={user.active}
        error={refused("active")}
        disabled={user.id === me}
        onChange={(event) => {
          const active = event.currentTarget.checked;
          if (!active && clients > 0) void navigate(`/handover?from=${user.id}&leaving=1`);
          else change.run({ user, change: { active }, before: { active: !active }, said: t(active ? "opened" : "closed", { name: user.name }) });
        }}
      />
      {clients > 0 && (
        <p className={styles.line}>
          <span>{t("clients", { count: clients })}</span>
          <Button component={Link} size="xs" to={`/handover?from=${user.id}`} leftSection={<Icon name="transfer" />}>
            {t("handOver")}
          </Button>
        </p>
      )}
      {password ? (
        <Once
          head={t("password.new")}
          lines={[
            { name: t("login"), value: user.login },
            { name: t("password"), value: password },
          ]}
        />
      ) : (
        user.id !== me && (
          <div>
            <Button variant="default" leftSection={<Icon name="key" />} loading={secret.isPending} onClick={() => secret.run({ id: user.id, password: newPassword() })}>
              {t("password.make")}
            </Button>
          </div>
        )
      )}
    </section>
  );
}

function Teams({ user }: { user: User }) {
  const t = useWords("users");
  const f = useFormats();
  const today = f.isoDay(useMinute());
  const teams = useTeams();
  const change = useChangeTeam();
  return (
    <section className={styles.part}>
      <Shown query={teams}>
        {({ items }) => {
          const his = items.filter((team) => isIn(team.members, user.id, today)).map((team) => String(team.id));
          if (items.length === 0) {
            return (
              <p className={styles.quiet}>
                {t("teams.none")} <Link to="/admin/users?show=teams&team=new">{t("teams.make")}</Link>
              </p>
            );
          }
          return (
            <MultiSelect
              label={t("teams")}
              description={t("members.how")}
              value={his}
              data={items.map((team) => ({ value: String(team.id), label: team.name }))}
              onChange={(wanted) => {
                const team = items.find(({ id }) => wanted.includes(String(id)) !== his.includes(String(id)));
                if (!team) return;
                const comes = wanted.includes(String(team.id));
                change.run({ team, change: { members: (comes ? joined : left)(team.members, user.id, today) } });
              }}
            />
          );
        }}
      </Shown>
    </section>
  );
}
