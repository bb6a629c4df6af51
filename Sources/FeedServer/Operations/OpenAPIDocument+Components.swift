extension OpenAPIDocument {
  static let parameters = #"""
    components:
      parameters:
        project:
          name: project
          in: path
          required: true
          schema: {type: string, minLength: 1, maxLength: 256, pattern: "^[A-Za-z0-9_.-]+$"}
        projectHeader:
          name: X-Project-ID
          in: header
          required: true
          schema: {type: string, minLength: 1, maxLength: 256, pattern: "^[A-Za-z0-9_.-]+$"}
        queue:
          name: queue
          in: path
          required: true
          schema: {type: string, minLength: 1, maxLength: 64, pattern: "^[A-Za-z0-9_.-]+$"}
        id:
          name: id
          in: path
          required: true
          description: Opaque; from an action's `href`
          schema: {type: string, pattern: "^[A-Za-z0-9_-]+$"}
        marker:
          name: marker
          in: query
          description: Opaque; from a page's `next`. Without one the page begins at the head of the queue.
          schema: {type: string, minLength: 1, maxLength: 11000, pattern: "^[A-Za-z0-9_-]+$"}
        queueMarker:
          name: marker
          in: query
          description: The name of the last queue seen
          schema: {type: string, minLength: 1, maxLength: 64, pattern: "^[A-Za-z0-9_.-]+$"}
        limit:
          name: limit
          in: query
          allowEmptyValue: true
          description: Actions on a page; empty is the default
          schema: {type: integer, minimum: 1, maximum: 50, default: 10}
        event:
          name: event
          in: query
          explode: true
          description: |
            Only actions with one of these events; at most 10. With nothing to show, one that is not audited is a 404.
          schema: {type: array, maxItems: 10, items: {type: string, minLength: 1, maxLength: 256}}
        ids:
          name: ids
          in: query
          style: form
          explode: false
          description: Up to 50 ids, divided by commas; stands alone. 404 when none of them is there.
          schema: {type: array, minItems: 1, maxItems: 50, items: {type: string}}
        prefer:
          name: Prefer
          in: header
          description: '`handling=strict` (RFC 7240): a gap is answered with 410, before it with the page up to it'
          schema: {type: string}
        verbose:
          name: verbose
          in: query
          allowEmptyValue: true
          description: A line for each check, `[+]name ok` or `[-]name failed` with what is wrong
          schema: {type: string}
        echo:
          name: echo
          in: query
          description: Sent by Zaqar's clients; changes nothing, as do the next two
          schema: {type: string}
        include_claimed:
          name: include_claimed
          in: query
          schema: {type: string}
        include_delayed:
          name: include_delayed
          in: query
          schema: {type: string}

    """# + sourceParameters + exchangeParameters + metadataParameters + headers + metadataHeaders

  private static let headers = #"""
      headers:
        Content-Location:
          description: The path and query of the request
          schema: {type: string}
        Link:
          description: '`<…>; rel="next"`, the same as in `links`'
          schema: {type: string}
        Location:
          description: Where the actions can be read; names the first 50 of them
          schema: {type: string}
        Cache-Control:
          schema: {type: string, const: no-store}
        Strandline-Complete-Through:
          description: |
            RFC 3339; the node has read everything the topic held at this moment. Absent when it does not know.
          schema: {type: string, format: date-time}
        Strandline-Lost:
          description: The sum of the gaps' counts; `unknown` when one of them was not counted. Absent without a gap.
          schema: {type: string, pattern: "^([0-9]+|unknown)$"}
        Strandline-Missing:
          description: |
            How many numbers have not come of the sources' logs that are known to be of this queue alone. Absent when none.
          schema: {type: integer, minimum: 1}
        Preference-Applied:
          description: '`handling=strict` when it was asked for'
          schema: {type: string}
        X-Request-Id:
          schema: {type: string}

    """#

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
              reason: {type: string, enum: [expired, topic-retention, rejected, store-full]}
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

  static let contents = #"""
      requestBodies:
        NewActions:
          required: true
          content:
            application/json:
              schema:
                oneOf:
                  - $ref: "#/components/schemas/NewAction"
                  - type: array
                    minItems: 1
                    maxItems: 100
                    items: {$ref: "#/components/schemas/NewAction"}
                  - type: object
                    required: [messages]
                    additionalProperties: false
                    properties:
                      messages:
                        type: array
                        minItems: 1
                        maxItems: 100
                        items: {$ref: "#/components/schemas/NewAction"}
    \#(exchangeBodies)\#(metadataBodies)  responses:
        Page:
          description: |
            The page. It may be empty when a filter passed over more actions than one request looks at, or when all
            there is to tell is a gap.
          headers: {\#(pageHeaders)}
          content: {application/json: {schema: {$ref: "#/components/schemas/Page"}}}
        NothingThere:
          description: Nothing is there now. Ask again later with the same marker.
          headers: {\#(headerReferences("Content-Location", "Strandline-Complete-Through", "Strandline-Missing", "X-Request-Id"))}
        Action:
          description: The action
          headers: {\#(headerReferences("Content-Location", "Cache-Control", "X-Request-Id"))}
          content: {application/json: {schema: {$ref: "#/components/schemas/Action"}}}
        Queues:
          description: The queues
          headers: {\#(headerReferences("Content-Location", "Link", "Cache-Control", "X-Request-Id"))}
          content: {application/json: {schema: {$ref: "#/components/schemas/Queues"}}}
        Statistics:
          description: The statistics
          headers: {\#(headerReferences("Content-Location", "Cache-Control", "X-Request-Id"))}
          content: {application/json: {schema: {$ref: "#/components/schemas/Statistics"}}}
        Posted:
          description: Kafka has all of them.
          headers: {\#(headerReferences("Location", "X-Request-Id"))}
          content: {application/json: {schema: {$ref: "#/components/schemas/Posted"}}}
        PartlyPosted:
          description: Kafka has some of them; `items` tells which.
          headers: {\#(headerReferences("Location", "X-Request-Id"))}
          content: {application/json: {schema: {$ref: "#/components/schemas/PartlyPosted"}}}
        Counters:
          description: The counts; unbalanced_queues is 0 unless something is wrong
          content:
            application/json:
              schema:
                type: object
                properties:
                  dropped:
                    type: object
                    description: Records their queues did not want, by reason; not among the received
                    additionalProperties: {type: integer}
                additionalProperties: {type: integer}
        Text:
          description: Text, one line for each thing said
          content: {text/plain: {schema: {type: string}}}

    """#

  private static let pageHeaders = headerReferences(
    "Content-Location", "Link", "Strandline-Complete-Through", "Strandline-Lost", "Strandline-Missing",
    "Preference-Applied",
    "Cache-Control", "X-Request-Id")

  private static func headerReferences(_ names: String...) -> String {
    names.map { "\($0): {$ref: \"#/components/headers/\($0)\"}" }.joined(separator: ", ")
  }

  static let errors: String = {
    let all: [(name: String, description: String)] = [
      ("BadRequest", "A parameter, a name, a marker, an id or the content is not valid"),
      (
        "NotFound",
        "No such route, queue or action; it has expired; or the queue, or an event asked for, is not audited"
      ),
      ("Conflict", "The queue does not audit this; or a patch does not fit the metadata"),
      ("PreconditionFailed", "The metadata is not what If-Match or If-None-Match expects; see detail"),
      ("MethodNotAllowed", "See Allow"), ("NotAcceptable", "Accept leaves out application/json"),
      ("Lost", "Actions can no longer be read, and the reader asked to be stopped there; see gaps and resume"),
      ("RequestTimeout", "The request did not arrive in time"),
      ("ContentTooLarge", "The content or a body is too large"),
      ("TargetTooLong", "Path and query are too long"),
      ("UnsupportedMediaType", "Content-Type is not one the route takes; see Accept"),
      ("FieldsTooLarge", "The header fields are too large"), ("Unavailable", "See Retry-After"),
    ]
    return all.reduce(into: "") { text, response in
      text += "    \(response.name):\n      description: \(response.description)\n"
      text += "      content: {application/problem+json: {schema: {$ref: \"#/components/schemas/Problem\"}}}\n"
    }
  }()
}
