/* One organisation: its fields saved as typed, and the people who call for it. */

import { Button } from "@mantine/core";
import { Link, useParams } from "react-router";
import { NotFound } from "../app/NotFound";
import { api, asProblem, body, keys, useQuery, useQueryClient, type Schemas } from "../api";
import { useColleagueChoices } from "../app/colleagues";
import { SavedChoice, SavedLines, SavedText } from "../drafts";
import { useFormats } from "../formats";
import { Avatar, CallButton, Columns, Empty, Failed, HeatTag, Middle, Moment, PageHeader, Panel, PhoneNumber, Shown, SidePanel, SkeletonRows } from "../parts";
import { useWords } from "../words";
import styles from "./index.module.css";

type Organisation = Schemas["OrganisationView"];
type Change = Omit<Schemas["OrganisationChange"], "version">;

const at = (organisation_id: number) => ({ path: { organisation_id } });
const read = (id: number) => body(api.GET("/api/v1/organisations/{organisation_id}", { params: at(id) }));

export default function OrganisationPage() {
  const id = useParams()["id"] ?? "";
  return /^\d{1,15}$/.test(id) ? <Known id={Number(id)} /> : <NotFound />;
}

function Known({ id }: { id: number }) {
  const organisation = useQuery({ queryKey: keys.one("organisations", id), queryFn: () => read(id) });
  const problem = asProblem(organisation.error);
  if (problem && !organisation.data) return <Failed isPage problem={problem} retry={() => void organisation.refetch()} />;
  if (!organisation.data) return <SkeletonRows height={56} />;
  return <One organisation={organisation.data} />;
}

function One({ organisation }: { organisation: Organisation }) {
  const t = useWords("organisations");
  return (
    <>
      <PageHeader
        title={organisation.name.slice(0, 80)}
        back="/clients"
        isBack
        sub={t("people.count", { count: organisation.people })}
        acts={
          <Button variant="default" component={Link} to={`/clients?organisation=${organisation.id}`}>
            {t("inClients")}
          </Button>
        }
      />
      <Columns>
        <SidePanel label={t("title")} side="left" width={300}>
          <div className={styles.fields}>
            <Fields organisation={organisation} />
          </div>
        </SidePanel>
        <Middle>
          <People organisation={organisation} />
        </Middle>
      </Columns>
    </>
  );
}

function useField(organisation: Organisation, field: "name" | "city" | "line_of_business" | "note") {
  const save = useSave(organisation);
  return {
    id: `organisation/${organisation.id}/${field}`,
    field,
    value: organisation[field],
    version: organisation.version,
    save: (value: string, version: number) => save({ [field]: value }, version),
    refresh: async () => {
      const fresh = await read(organisation.id);
      return { value: fresh[field], version: fresh.version };
    },
  };
}

function useSave(organisation: Organisation) {
  const cache = useQueryClient();
  return async (change: Change, version: number) => {
    const params = at(organisation.id);
    const changed = await body(api.PATCH("/api/v1/organisations/{organisation_id}", { params, body: { ...change, version } }));
    cache.setQueryData(keys.one("organisations", organisation.id), changed);
    return changed;
  };
}

function Fields({ organisation }: { organisation: Organisation }) {
  const t = useWords("organisations");
  const save = useSave(organisation);
  const owners = useColleagueChoices();
  const owner = (some: Organisation) => (some.owner === null ? null : String(some.owner));
  return (
    <>
      <SavedText label={t("field.name")} maxLength={200} {...useField(organisation, "name")} />
      <SavedText label={t("field.city")} maxLength={200} {...useField(organisation, "city")} />
      <SavedText label={t("field.line_of_business")} maxLength={200} {...useField(organisation, "line_of_business")} />
      <SavedChoice
        label={t("field.owner")}
        choices={owners}
        id={`organisation/${organisation.id}/owner`}
        field="owner"
        value={owner(organisation)}
        version={organisation.version}
        save={(value, version) => save({ owner: value === null ? null : Number(value) }, version)}
        refresh={async () => {
          const fresh = await read(organisation.id);
          return { value: owner(fresh), version: fresh.version };
        }}
      />
      <SavedLines label={t("field.note")} {...useField(organisation, "note")} />
    </>
  );
}

/** Everybody who calls for it: a card each. */
function People({ organisation }: { organisation: Organisation }) {
  const t = useWords("organisations");
  const f = useFormats();
  const people = useQuery({
    queryKey: keys.view("contacts", "of organisation", organisation.id),
    queryFn: () => body(api.GET("/api/v1/contacts", { params: { query: { organisation: organisation.id, limit: 100 } } })),
  });
  return (
    <Panel title={t("people")} sub={t("people.how")}>
      <Shown query={people} isEmpty={(page) => page.items.length === 0} empty={<Empty icon="clients" title={t("people.none")} />}>
        {(page) => (
          <ul className={styles.people}>
            {page.items.map((person) => (
              <li key={person.id}>
                <Avatar name={person.name} size={28} />
                <span className={styles.who}>
                  <Link to={`/clients/${person.id}`}>{f.client(person.name)}</Link>
                  <small>{person.job_title}</small>
                </span>
                <HeatTag heat={person.heat} />
                <span className={styles.number}>
                  <PhoneNumber number={person.numbers[0]} isText />
                  <small>
                    <Moment at={person.last_touch_at} />
                  </small>
                </span>
                {person.numbers[0] && <CallButton word={t("call")} number={person.numbers[0]} contact={person.id} />}
              </li>
            ))}
          </ul>
        )}
      </Shown>
    </Panel>
  );
}
