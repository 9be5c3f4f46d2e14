import { readFileSync } from "node:fs";
import { buildSchema } from "graphql";
import { useServer } from "graphql-ws/use/ws";
import { WebSocketServer } from "ws";
import { serve } from "../serve.mjs";

const { dependencies } = JSON.parse(readFileSync(new URL("package.json", import.meta.url)));
serve({ buildSchema, useServer, WebSocketServer, dependencies });
