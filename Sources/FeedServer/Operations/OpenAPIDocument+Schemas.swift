/// What the content of requests and answers looks like.
extension OpenAPIDocument {
  static let schemas = #"""
      schemas:
        Page:
          type: object
          required: [links, messages]
          properties:
            links:
              type: array
              items:
                type: object
                required: [rel, href]
                properties:
                  rel: {type: string, const: next}
                  href: {type: string, description: "Path and query; begins with /v1/{project}/"}
            messages:
              type: array
              items: {$ref: "#/components/schemas/Action"}
            gaps: {$ref: "#/components/schemas/Gaps"}
            missing: {$ref: "#/components/schemas/Missing"}
        Missing:
          type: array
          description: |
            What sources have numbered and has not come for ten seconds, of logs whose actions all came for this queue. At
            most 20 logs. Absent when nothing is missing, or the node is itself behind.
          minItems: 1
          maxItems: 20
          items:
            type: object
            required: [source, log, count, ranges, since, href]
            properties:
              source: {type: string}
              log: {type: string}
              count: {type: integer, minimum: 1, description: Numbers of this log}
              ranges: {type: string, description: "The lowest 20 ranges, as in 4-8,12"}
              since: {type: string, format: date-time, description: Of the first of them}
              href: {type: string, description: Where all is told of the log}
        Gaps:
          type: array
          description: What can no longer be read. Absent when nothing was missed.
          minItems: 1
          items:
            type: object
            required: [reason, count, from, to, links]
            properties:
              reason: {type: string, enum: [expired, queue-retention, topic-retention, rejected, store-full]}
              count:
                type: [integer, "null"]
                minimum: 1
                description: Actions of this queue; null when this node did not count them
              from: {$ref: "#/components/schemas/Place"}
              to: {$ref: "#/components/schemas/Place"}
              links:
                type: array
                description: Where they may be found again; with the archive, partition and offsets to look for
                items:
                  type: object
                  required: [rel, href]
                  properties:
                    rel: {type: string, const: archive}
                    href: {type: string}
                    partition: {type: integer}
                    offsets: {type: string, description: "first-last"}
        Place:
          type: object
          description: A place in the topic, included in the gap. Other queues' records may lie in the same range.
          required: [partition, offset]
          properties:
            partition: {type: integer, minimum: 0}
            offset: {type: integer, minimum: 0}
        Action:
          type: object
          required: [href, ttl, age, body]
          additionalProperties: false
          properties:
            href: {type: string}
            ttl: {type: integer, minimum: 1, maximum: 1209600, description: Seconds}
            age: {type: integer, minimum: 0, description: Whole seconds since the action was stored in Kafka}
            body: {$ref: "#/components/schemas/Body"}
        Body:
          type: object
          description: Served byte for byte as it was sent. At most 262,144 bytes and 64 levels deep.
          required: [event]
          properties:
            event: {type: string, minLength: 1, maxLength: 256}
            details: {type: object}
            user:
              type: object
              properties:
                username: {type: string}
                authenticationProvider: {type: string}
            message: {type: string}
            version: {type: string}
            topic: {type: string}
            time: {type: string, format: date-time}
        NewAction:
          type: object
          required: [body]
          additionalProperties: false
          properties:
            ttl: {type: integer, minimum: 1, maximum: 1209600, description: Seconds; the node's default without it}
            delay: {type: integer, const: 0, description: Sent by Zaqar's clients}
            body: {$ref: "#/components/schemas/Body"}
        Posted:
          type: object
          required: [resources, partial]
          properties:
            resources: {type: array, items: {type: string}, description: The hrefs of the actions that Kafka has}
            partial: {type: boolean}
        PartlyPosted:
          allOf:
            - $ref: "#/components/schemas/Posted"
            - type: object
              required: [items]
              properties:
                items:
                  type: array
                  items:
                    type: object
                    required: [index, status]
                    properties:
                      index: {type: integer}
                      status: {type: integer, enum: [201, 503]}
                      href: {type: string}
                      detail: {type: string}
                      may_have_been_written: {type: boolean}
        Queues:
          type: object
          required: [links, queues]
          properties:
            links: {type: array, items: {type: object}}
            queues:
              type: array
              items:
                type: object
                required: [name, href]
                properties:
                  name: {type: string}
                  href: {type: string}
                  audited: {type: boolean, description: Absent while the node has not read it}
        Statistics:
          type: object
          required: [messages]
          properties:
            messages:
              type: object
              description: received = live + expired_served + expired_unread + rejected
              required: [total, received, live, expired, expired_served, expired_unread, rejected, duplicates]
              properties:
                total: {type: integer, description: Actions that can be read now; Zaqar's name for `live`}
                received: {type: integer, description: Records read from the topic since the store began}
                live: {type: integer}
                expired: {type: integer, description: Those whose time to live has passed}
                expired_served: {type: integer, description: Of these, those a reader's marker had come past before}
                expired_unread: {type: integer}
                over_retention:
                  type: integer
                  description: of the expired, those over audit.retention before their TTL had passed
                rejected: {type: integer, description: Those that broke the contract}
                rejected_by_reason: {type: object, additionalProperties: {type: integer}}
                duplicates: {type: integer, description: Records that came again; not among the received}
                balanced: {type: boolean, description: Whether the counts add up}
                oldest: {$ref: "#/components/schemas/QueueEnd"}
                newest: {$ref: "#/components/schemas/QueueEnd"}
        QueueEnd:
          type: object
          required: [href, age, created]
          properties:
            href: {type: string}
            age: {type: integer, minimum: 0}
            created: {type: string, format: date-time}
        Problem:
          type: object
          required: [type, title, status, detail, instance, request_id]
          properties:
            type: {type: string, format: uri}
            title: {type: string}
            status: {type: integer}
            detail: {type: string}
            instance: {type: string}
            parameter: {type: string, description: The parameter, member or header at fault}
            allowed:
              oneOf:
                - type: object
                  properties:
                    minimum: {type: integer}
                    maximum: {type: integer}
                - type: array
                  items: {type: string}
            errors:
              type: array
              items:
                type: object
                required: [index, detail]
                properties:
                  index: {type: integer}
                  detail: {type: string}
                  parameter: {type: string}
            gaps: {$ref: "#/components/schemas/Gaps"}
            resume: {type: string, description: "Path and query that go on behind the gap"}
            request_id: {type: string}

    """#
}
