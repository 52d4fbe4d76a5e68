"""Sends traces by OTLP to a tracking server, in the conventions of many libraries, and writes what it made of them: `URL FILE`.

One line of JSON per trace: its requests and the answer. otlp-twin.jsonl is what MLflow's own server answered;
src/api/otlp-twin.test.ts sends the same to ours. Prices are left out. To record it anew:

    mlflow server --backend-store-uri sqlite:////tmp/fresh.db --artifacts-destination /tmp/fresh
    .tools/mlflow/bin/python test/interop/mlflow/otlp_twin.py http://127.0.0.1:5000 test/interop/mlflow/otlp-twin.jsonl
"""
import hashlib
import json
import sys
import urllib.request

url, out = sys.argv[1:3]
START = 1_700_000_000_000_000_000
answers = []


def call(method, path, body=None, headers=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"content-type": "application/json", **(headers or {})}, method=method)
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def any_value(x):
    if isinstance(x, bool):
        return {"boolValue": x}
    if isinstance(x, str):
        return {"stringValue": x}
    if isinstance(x, int):
        return {"intValue": str(x)}
    if isinstance(x, float):
        return {"doubleValue": x}
    if isinstance(x, list):
        return {"arrayValue": {"values": [any_value(y) for y in x]}}
    return {"kvlistValue": {"values": attributes(x)}}


def attributes(d):
    return [{"key": k, "value": any_value(x)} for k, x in d.items()]


def span(i="a", parent="", name="root", frm=0, to=1000, status=1, events=(), a=None):
    return {
        "spanId": i * 16,
        **({"parentSpanId": parent * 16} if parent else {}),
        "name": name,
        "kind": 1,
        "startTimeUnixNano": str(START + frm * 10**6),
        "endTimeUnixNano": str(START + to * 10**6),
        "status": {"code": status},
        "attributes": attributes(a or {}),
        "events": [{"name": n, "timeUnixNano": str(START), "attributes": attributes(d)} for n, d in events],
    }


experiment = call("POST", "/api/2.0/mlflow/experiments/create", {"name": "otlp twin"})["experiment_id"]


def case(name, *requests, res={"service.name": "svc"}):
    trace = hashlib.md5(name.encode()).hexdigest()
    bodies = []
    for spans in requests:
        sent = [{"traceId": trace, **one} for one in spans]
        bodies.append({"resourceSpans": [{"resource": {"attributes": attributes(res)}, "scopeSpans": [{"spans": sent}]}]})
        call("POST", "/v1/traces", bodies[-1], {"x-mlflow-experiment-id": experiment})
    found = call("GET", f"/api/3.0/mlflow/traces/get?trace_id=tr-{trace}")["trace"]
    info = found["trace_info"]
    info["tags"].pop("mlflow.artifactLocation")
    info.pop("trace_location")
    info.get("trace_metadata", {}).pop("mlflow.trace.cost", None)
    if not info.get("trace_metadata"):
        info.pop("trace_metadata", None)
    spans = {}
    for one in found["spans"]:
        own = {pair["key"]: pair["value"] for pair in one.get("attributes", [])}
        own.pop("mlflow.llm.cost", None)
        spans[one["name"]] = own
    answers.append({"name": name, "requests": bodies, "answer": {"info": info, "spans": spans}})


def one(name, a, events=(), **more):
    case(name, [span(a=a, events=events)], **more)


one('plain',{'x':1,'f':1.5,'b':True,'l':['a',1],'d':{'k':'v'},'s':'text','j':'{"a": 1}','n':'5','e':''})
one('genai',{'gen_ai.operation.name':'chat','gen_ai.usage.input_tokens':10,'gen_ai.usage.output_tokens':20,'gen_ai.input.messages':'[{"role":"user","content":"hi"}]','gen_ai.output.messages':'[{"role":"assistant","content":"yo"}]','gen_ai.request.model':'gpt-4o','gen_ai.provider.name':'openai'})
for op in ['create_agent','embeddings','execute_tool','generate_content','invoke_agent','text_completion','response','other']: one('genai op '+op,{'gen_ai.operation.name':op})
one('genai cache',{'gen_ai.usage.input_tokens':'10','gen_ai.usage.cache_read.input_tokens':3,'gen_ai.usage.cache_creation.input_tokens':4})
one('genai only out',{'gen_ai.usage.output_tokens':7})
one('genai tool',{'gen_ai.operation.name':'execute_tool','gen_ai.tool.call.arguments':'{"a":1}','gen_ai.tool.call.result':'42'})
one('genai events',{'gen_ai.operation.name':'chat'},events=[('gen_ai.system.message',{'content':'sys'}),('gen_ai.user.message',{'content':'hello'}),('gen_ai.choice',{'content':'bye'})])
one('spring events',{'gen_ai.operation.name':'chat'},events=[('gen_ai.content.prompt',{'gen_ai.prompt':'hello'}),('gen_ai.content.completion',{'gen_ai.completion':'bye'})])
for k in ['TOOL','CHAIN','LLM','RETRIEVER','EMBEDDING','AGENT','RERANKER','UNKNOWN','GUARDRAIL','EVALUATOR','X']: one('oi '+k,{'openinference.span.kind':k})
one('oi io',{'openinference.span.kind':'LLM','input.value':'{"q":1}','output.value':'ans','llm.token_count.prompt':5,'llm.token_count.completion':6,'llm.token_count.total':12,'llm.model_name':'m1','llm.provider':'p'})
one('oi num',{'input.value':5,'output.value':['a','b']})
for k in ['workflow','task','agent','tool','unknown']: one('tl '+k,{'traceloop.span.kind':k})
one('tl io',{'traceloop.span.kind':'workflow','traceloop.entity.input':'{"q":1}','traceloop.entity.output':'"out"','gen_ai.usage.prompt_tokens':5,'gen_ai.usage.completion_tokens':6,'llm.usage.total_tokens':11,'gen_ai.system':'openai','gen_ai.response.model':'r'})
one('tl prompts',{'gen_ai.prompt.0.content':'p0','gen_ai.prompt.1.content':'p1','gen_ai.completion.0.content':'c0'})
one('lmnr',{'lmnr.span.type':'TOOL','lmnr.span.input':'i','lmnr.span.output':'o'})
one('langfuse',{'langfuse.observation.type':'generation','langfuse.observation.input':'{"a":1}','langfuse.observation.output':'o'})
one('vercel',{'ai.operationId':'ai.generateText','ai.prompt':'{"prompt":"x"}','ai.response.text':'y'})
one('vercel chat',{'ai.operationId':'ai.generateText.doGenerate','ai.prompt.messages':'[{"role":"user"}]','ai.prompt.tools':['{"a":1}'],'ai.response.text':'y','ai.usage.promptTokens':3})
one('adk',{'gcp.vertex.agent.llm_request':'{"a":1}','gcp.vertex.agent.llm_response':'{"b":2}'})
one('volt',{'span.type':'llm','llm.messages':'[1]','output':'o','usage.prompt_tokens':3,'usage.completion_tokens':4,'voltagent.operation_id':'x'})
one('volt root',{'entity.type':'agent','input':'i'})
one('livekit',{'lk.agent_name':'a','lk.user_input':'u','lk.response.text':'r'})
one('claude',{'span.type':'claude_code.llm_request','input_tokens':3,'output_tokens':4,'cache_read_tokens':5,'new_context':'ctx','response.model_output':'mo'},res={'service.name':'claude-code'})
one('claude int',{'span.type':'interaction','user_prompt':'up'})
one('claude tool',{'span.type':'tool','full_command':'ls'},events=[('tool.output',{'output':'files'})])
one('gemini',{'gen_ai.agent.name':'gemini-cli','gen_ai.operation.name':'llm_call','gen_ai.input.messages':'[{"role":"user","parts":[]}]','gen_ai.output.messages':'[{"role":"model","parts":[{"text":"x"}]}]'},res={'service.name':'gemini-cli','telemetry.sdk.name':'x','mlflow.foo':'y','a.b':1,'c':True,'long':'z'*50})
one('session',{'session.id':'S','user.id':'U'})
one('conversation',{'gen_ai.conversation.id':'C'})
one('own',{'mlflow.spanInputs':'{"x": 1}','mlflow.spanOutputs':'"out"','mlflow.spanType':'"AGENT"'})
one('own raw',{'mlflow.spanInputs':'plain text','mlflow.spanOutputs':'out','mlflow.spanType':'LLM'})
one('own unknown',{'mlflow.spanType':'"UNKNOWN"','openinference.span.kind':'LLM'})
one('own messages',{'mlflow.spanInputs':'{"messages":[{"role":"system","content":"s"},{"role":"user","content":"q"}]}','mlflow.spanOutputs':'{"choices":[{"message":{"role":"assistant","content":"ans"}}]}'})
one('own long',{'mlflow.spanInputs':json.dumps({'a':'x'*3000}),'mlflow.spanOutputs':json.dumps('y'*3000)})
one('own usage',{'mlflow.chat.tokenUsage':'{"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}'})
one('trace tags',{'mlflow.traceTag.foo':'bar','mlflow.traceTag.n':5,'mlflow.traceTag.mlflow.traceName':'named'})
one('error',{},events=[('exception',{'exception.message':'boom'})])
case('rollup',[span(a={'gen_ai.usage.input_tokens':10,'gen_ai.usage.output_tokens':10}),span('b','a',name='c',a={'gen_ai.usage.input_tokens':4,'gen_ai.usage.output_tokens':4})])
case('siblings',[span(),span('b','a',name='c',a={'gen_ai.usage.input_tokens':4,'gen_ai.usage.output_tokens':4}),span('c','a',name='d',a={'gen_ai.usage.input_tokens':5,'gen_ai.usage.output_tokens':5,'session.id':'kid'})])
pieces=[[span('b','a',name='kid',frm=100,to=200,a={'gen_ai.usage.input_tokens':4,'gen_ai.usage.output_tokens':4})],[span('a',frm=0,to=500,a={'input.value':'q','session.id':'S'})],[span('c','a',name='late',frm=-100,to=900,status=2,a={'gen_ai.usage.input_tokens':1,'gen_ai.usage.output_tokens':1})],[span('a',frm=0,to=500,status=2,a={'input.value':'other'})]]
for n in range(1,5): case(f'{n} pieces',*pieces[:n])
case('a failed root',[span(status=2)])
case('no root',[span('b','a',name='kid')])
case('a rollup above pieces',[span('b','a',name='kid',a={'gen_ai.usage.input_tokens':4,'gen_ai.usage.output_tokens':4})],[span(a={'gen_ai.usage.input_tokens':9,'gen_ai.usage.output_tokens':9})])

with open(out, "w") as file:
    for answer in answers:
        file.write(json.dumps(answer, sort_keys=True, ensure_ascii=False) + "\n")
