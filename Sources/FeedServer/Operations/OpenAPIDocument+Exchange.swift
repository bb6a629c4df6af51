/// The part of the description that tells what nodes and sources exchange by numbers, and of Apache ACE's protocol.
extension OpenAPIDocument {
  static let exchanges = """
      /v1/{project}/sources/{source}/logs/{log}/actions:
        parameters: [\(references("project", "source", "log"))]
        get:
          operationId: receiveNumbered
          summary: Actions of a log by their numbers, ascending
          description: |
            What is still there of the numbers asked for, none below the purge point. Follow `next` until there is none.
          parameters: [\(references("range", "numberedLimit", "numberMarker"))]
          responses: {\(receiveResponses)}
        head:
          operationId: headNumbered
          summary: As GET, without the body
          parameters: [\(references("range", "numberedLimit", "numberMarker"))]
          responses: {\(receiveResponses)}
        post:
          operationId: sendNumbered
          summary: Give a log actions it lacks, with their numbers
          description: |
            1 to 500 actions as they were received. What had come before is not sent again; where what came can still
            be read, it is held against what is sent, and one with another queue or body is refused (409, with
            `digests`). An action whose proof does not hold is refused, and so is one without a proof where this node
            requires its source to sign. Answered for once Kafka has acknowledged the others; the content has at most
            8,388,608 bytes, a body at most 262,144.
          requestBody: {$ref: "#/components/requestBodies/NumberedActions"}
          responses: {\(sendResponses)}
      /v1/{project}/sources/{source}/logs/{log}/lowest:
        parameters: [\(references("project", "source", "log"))]
        get:
          operationId: readPurgePoint
          summary: From which number on a log's actions are wanted
          responses: {\(lowestResponses)}
        head:
          operationId: headPurgePoint
          summary: As GET, without the body
          responses: {\(lowestResponses)}
        put:
          operationId: raisePurgePoint
          summary: Raise it; a lower one changes nothing
          requestBody: {$ref: "#/components/requestBodies/PurgePoint"}
          responses: {\(raiseResponses)}
      /auditlog/query:
        get:
          operationId: aceQuery
          summary: "Apache ACE: what came of each log, a line `targetID,storeID,ranges` each"
          parameters: [\(references("tid", "logid", "range", "filter"))]
          responses: {\(aceResponses)}
        head:
          operationId: headAceQuery
          summary: As GET, without the body
          parameters: [\(references("tid", "logid", "range", "filter"))]
          responses: {\(aceResponses)}
      /auditlog/send:
        post:
          operationId: aceSend
          summary: "Apache ACE: events, a line `targetID,storeID,id,time,type{,key,value}*` each"
          description: 400 when any line is bad; the good ones are stored.
          requestBody: {$ref: "#/components/requestBodies/Lines"}
          responses: {\(aceSendResponses)}
      /auditlog/receive:
        get:
          operationId: aceReceive
          summary: "Apache ACE: the events of the logs asked for, as lines"
          parameters: [\(references("tid", "logid", "range", "filter"))]
          responses: {\(aceResponses)}
        head:
          operationId: headAceReceive
          summary: As GET, without the body
          parameters: [\(references("tid", "logid", "range", "filter"))]
          responses: {\(aceResponses)}
      /auditlog/sendids:
        post:
          operationId: aceSendIDs
          summary: "Apache ACE: purge points, a line `targetID,storeID,lowestID` each"
          requestBody: {$ref: "#/components/requestBodies/Lines"}
          responses: {\(aceSendResponses)}
      /auditlog/receiveids:
        get:
          operationId: aceReceiveIDs
          summary: "Apache ACE: the purge points there are, as lines"
          parameters: [\(references("tid", "logid", "range", "filter"))]
          responses: {\(aceResponses)}
        head:
          operationId: headAceReceiveIDs
          summary: As GET, without the body
          parameters: [\(references("tid", "logid", "range", "filter"))]
          responses: {\(aceResponses)}

    """

  private static let receiveResponses = responses([
    ("200", "NumberedActions"), ("400", "BadRequest"), ("404", "NotFound"), ("405", "MethodNotAllowed"),
    ("406", "NotAcceptable"), ("503", "Unavailable"),
  ])
  private static let sendResponses = responses([
    ("200", "Sent"), ("207", "Sent"), ("400", "BadRequest"), ("406", "NotAcceptable"), ("408", "RequestTimeout"),
    ("413", "ContentTooLarge"), ("415", "UnsupportedMediaType"), ("503", "Unavailable"),
  ])
  private static let lowestResponses = responses([
    ("200", "PurgePoint"), ("400", "BadRequest"), ("404", "NotFound"), ("405", "MethodNotAllowed"),
    ("406", "NotAcceptable"), ("503", "Unavailable"),
  ])
  private static let raiseResponses = responses([
    ("200", "PurgePoint"), ("400", "BadRequest"), ("404", "NotFound"), ("406", "NotAcceptable"),
    ("413", "ContentTooLarge"), ("415", "UnsupportedMediaType"), ("503", "Unavailable"),
  ])
  private static let aceResponses = responses([
    ("200", "Lines"), ("400", "BadRequest"), ("404", "NotFound"), ("405", "MethodNotAllowed"),
    ("406", "NotAcceptable"), ("503", "Unavailable"),
  ])
  private static let aceSendResponses = responses([
    ("200", "Lines"), ("400", "BadRequest"), ("404", "NotFound"), ("406", "NotAcceptable"), ("413", "ContentTooLarge"),
    ("503", "Unavailable"),
  ])

  static let exchangeParameters = #"""
        range:
          name: range
          in: query
          description: Numbers as Apache ACE writes them; without it, all
          schema: {type: string, examples: ["4-8,12"]}
        numberedLimit:
          name: limit
          in: query
          schema: {type: integer, minimum: 1, maximum: 500, default: 100}
        numberMarker:
          name: marker
          in: query
          description: Only numbers above this one; from `next`
          schema: {type: integer, minimum: 0}
        tid: {name: tid, in: query, description: Only this target, schema: {type: string}}
        logid: {name: logid, in: query, description: Only this store, schema: {type: string}}
        filter: {name: filter, in: query, description: Without a meaning, as in ACE, schema: {type: string}}

    """#

  static let exchangeBodies = #"""
        NumberedActions:
          required: true
          content:
            application/json:
              schema:
                type: object
                required: [actions]
                properties:
                  actions:
                    type: array
                    minItems: 1
                    maxItems: 500
                    items: {$ref: "#/components/schemas/NumberedAction"}
        PurgePoint:
          required: true
          content: {application/json: {schema: {$ref: "#/components/schemas/PurgePoint"}}}
        Lines:
          required: true
          content: {text/plain: {schema: {type: string}}}

    """#

  static let exchangeSchemas = #"""
        NumberedAction:
          type: object
          required: [sequence, queue, body]
          properties:
            sequence: {type: integer, minimum: 1}
            queue: {type: string}
            ttl: {type: integer, minimum: 1, maximum: 1209600}
            time: {type: string, format: date-time, description: When it came into being; its ttl counts from then}
            href: {type: string, description: Not read when it is sent}
            body: {type: object, required: [event]}
            proof: {$ref: "#/components/schemas/Proof"}
        Proof:
          type: object
          description: |
            What the source gave the action to prove it by: `crc32c`, `signature` or both, and the texts of the headers
            they are made of, as they were; what the record did not have is left out, which is not the same as empty.
          additionalProperties: false
          properties:
            id: {type: string, maxLength: 512, description: ce_id}
            time: {type: string, maxLength: 64, description: ce_time}
            ttl: {type: string, maxLength: 16, description: "ttl; without it the receiving node's own holds"}
            crc32c: {type: string, maxLength: 16, description: ce_crc32c}
            signature: {type: string, maxLength: 128, description: ce_signature}
        NumberedActions:
          type: object
          required: [source, log, actions, reached, links]
          properties:
            source: {type: string}
            log: {type: string}
            actions: {type: array, items: {$ref: "#/components/schemas/NumberedAction"}}
            reached: {type: integer, description: What is not among the actions up to here is not there}
            links: {type: array, items: {type: object}, description: "`next`, unless this is all"}
        Sent:
          type: object
          required: [accepted, present, refused, missing]
          properties:
            accepted: {type: string, description: Numbers that Kafka has now}
            present: {type: string, description: "Numbers that had come before, with the same content as far as it is known"}
            refused:
              type: array
              items:
                type: object
                required: [index, status, detail]
                properties:
                  index: {type: integer}
                  sequence: {type: integer}
                  status: {type: integer, description: "As of a request by itself; 503: send it again"}
                  detail: {type: string}
                  digests:
                    type: object
                    description: |
                      Only of an action that has the number of another one. `sha256:` and the digest of a body's bytes;
                      `stored` is absent when that action can no longer be read.
                    required: [sent]
                    properties:
                      sent: {type: string, pattern: "^sha256:[0-9a-f]{64}$"}
                      stored: {type: string, pattern: "^sha256:[0-9a-f]{64}$"}
            missing: {type: string, description: Numbers the log lacks now}
        PurgePoint:
          type: object
          required: [lowest]
          properties: {lowest: {type: integer, minimum: 1}}

    """#

  static let exchangeContents = #"""
        NumberedActions:
          description: The actions
          headers:
            Cache-Control: {$ref: "#/components/headers/Cache-Control"}
            X-Request-Id: {$ref: "#/components/headers/X-Request-Id"}
          content: {application/json: {schema: {$ref: "#/components/schemas/NumberedActions"}}}
        Sent:
          description: "What became of each action; 207: not all of them are there"
          headers:
            Cache-Control: {$ref: "#/components/headers/Cache-Control"}
            X-Request-Id: {$ref: "#/components/headers/X-Request-Id"}
          content: {application/json: {schema: {$ref: "#/components/schemas/Sent"}}}
        PurgePoint:
          description: The purge point that holds
          headers:
            Cache-Control: {$ref: "#/components/headers/Cache-Control"}
            X-Request-Id: {$ref: "#/components/headers/X-Request-Id"}
          content: {application/json: {schema: {$ref: "#/components/schemas/PurgePoint"}}}
        Lines:
          description: Lines of text
          headers:
            Cache-Control: {$ref: "#/components/headers/Cache-Control"}
            X-Request-Id: {$ref: "#/components/headers/X-Request-Id"}
          content: {text/plain: {schema: {type: string}}}

    """#
}
