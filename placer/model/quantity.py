from decimal import Decimal, ROUND_CEILING
S={"Ki":2**10,"Mi":2**20,"Gi":2**30,"Ti":2**40,"m":Decimal("0.001"),"k":1000,"M":10**6,"G":10**9}
def parse_quantity(text,*,milli):
    if isinstance(text,str):
        for s,f in S.items():
            if text.endswith(s):
                v=Decimal(text[:-len(s)])*f; break
        else:
            try: v=Decimal(text)
            except Exception: raise ValueError(f"{text!r} is no quantity") from None
    else: v=Decimal(repr(text))
    if milli: v*=1000
    return int(v.to_integral_value(ROUND_CEILING))
